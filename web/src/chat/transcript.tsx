// The messages of the branch that is shown. The view follows a growing answer only while its end is in sight; a reader who
// scrolls up is left alone, and finds the way back in a pill.
import { createEffect, createSignal, For, on, onCleanup, onMount, Show } from "solid-js";
import { t } from "../words/words";
import { IconDown } from "../ui/icons";
import { Answer } from "./answer";
import * as conversation from "./conversation";
import { Empty } from "./empty";
import { Question } from "./question";

const nearEnd = 32; // pixels that still count as the end

export function Transcript() {
  let view!: HTMLDivElement;
  let content!: HTMLDivElement;
  let lastTop = 0;
  const [following, setFollowing] = createSignal(true);
  const toEnd = () => (view.scrollTop = view.scrollHeight);

  const scrolled = () => {
    const atEnd = view.scrollHeight - view.scrollTop - view.clientHeight < nearEnd;
    if (atEnd) setFollowing(true);
    else if (view.scrollTop < lastTop - 2) setFollowing(false);
    lastTop = view.scrollTop;
  };
  onMount(() => {
    const observer = new ResizeObserver(() => following() && toEnd());
    observer.observe(content);
    observer.observe(view);
    onCleanup(() => observer.disconnect());
  });
  const [ended, setEnded] = createSignal(false);
  createEffect(on(conversation.running, (running, before) => setEnded(before !== undefined && running === undefined)));
  const follow = () => (setFollowing(true), toEnd());
  createEffect(on(conversation.id, follow));
  createEffect(on(conversation.running, (running) => running && follow(), { defer: true }));

  return (
    <div class="transcript-frame">
      <div
        ref={view}
        class="transcript"
        tabindex="0"
        role="region"
        aria-label={t("chat.transcript")}
        onScroll={scrolled}
        onWheel={(event) => event.deltaY < 0 && view.scrollTop > 0 && view.scrollHeight > view.clientHeight && setFollowing(false)}
      >
        <div ref={content} class="column">
          <Show when={conversation.path().length} fallback={<Empty />}>
            <For each={conversation.path()}>
              {(id, at) =>
                conversation.messages[id]?.role === "user" ? (
                  <Question id={id} />
                ) : (
                  <Answer id={id} last={at() === conversation.path().length - 1} />
                )
              }
            </For>
          </Show>
          <Show when={conversation.reconnecting()}>
            <p class="notice amber" role="status">{t("chat.reconnecting")}</p>
          </Show>
        </div>
      </div>
      <p class="out-of-sight" role="status">{ended() ? t("chat.finished") : ""}</p>
      <Show when={!following()}>
        <button type="button" class="pill" onClick={follow}>
          <IconDown />
          {t("chat.latest")}
        </button>
      </Show>
    </div>
  );
}
