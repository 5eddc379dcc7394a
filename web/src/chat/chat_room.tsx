// The chat room: history, the open conversation, and on demand a panel at the right.
import "./chat.css";
import { createEffect, createSignal, lazy, Match, on, Show, Suspense, Switch } from "solid-js";
import { reached } from "../api/http";
import { changedParams, listOpen, setListOpen } from "../state/preferences";
import { go, route } from "../state/route";
import { closesOnEscape } from "../ui/layers";
import { IconList, IconNew, IconTune } from "../ui/icons";
import { t } from "../words/words";
import { Composer } from "./composer";
import * as conversation from "./conversation";
import { refreshHistory, summaries } from "./history";
import { HistoryList } from "./history_list";
import { panel, setPanel, toggleSampling } from "./panel";
import { onSwipe } from "./swipe";
import { Transcript } from "./transcript";

const Details = lazy(() => import("./details"));
const Sampling = lazy(() => import("./sampling"));

const narrow = matchMedia("(max-width: 900px)");

export default function ChatRoom() {
  const [listOver, setListOver] = createSignal(false); // on a narrow screen the list slides over the work
  const toggleList = () => (narrow.matches ? setListOver((open) => !open) : setListOpen(!listOpen()));
  createEffect(on(reached, (is) => is && void refreshHistory()));
  createEffect(
    on([route, reached], ([{ room, id }, is]) => {
      if (room === "chat" && is) conversation.open(id);
    }),
  );
  createEffect(on(conversation.id, () => setPanel((old) => (old?.kind === "details" ? undefined : old))));
  const title = () => summaries().find((one) => one.id === conversation.id())?.title ?? "";
  createEffect(() => (document.title = title() ? `${title()} · Shenbi` : "Shenbi"));

  return (
    <div ref={(room) => onSwipe(room, (to) => narrow.matches && setListOver(to === "right"))} class="room chat" classList={{ "list-open": listOpen(), "list-over": listOver() }}>
      <Show when={listOver()}>
        <Veil close={() => setListOver(false)} />
      </Show>
      <HistoryList chosen={() => setListOver(false)} />
      <main class="work" aria-label={t("room.chat")}>
        <header class="head">
          <button type="button" class="tool" aria-label={t("history.toggle")} title={t("history.toggle")} onClick={toggleList}>
            <IconList />
          </button>
          <h1 class="title" dir="auto">{title()}</h1>
          <button type="button" class="tool only-narrow" aria-label={t("chat.new")} title={t("chat.new")} onClick={() => go("chat")}>
            <IconNew />
          </button>
          <button
            type="button"
            class="tool"
            aria-pressed={panel()?.kind === "sampling"}
            aria-label={t("sampling.title")}
            title={t("sampling.title")}
            onClick={toggleSampling}
          >
            <IconTune />
            <Show when={changedParams()}>
              <span class="dot">{changedParams()}</span>
            </Show>
          </button>
        </header>
        <Transcript />
        <Composer />
      </main>
      <Show when={panel()}>
        <Veil class="for-panel" close={() => setPanel(undefined)} />
        <Suspense>
          <Switch>
            <Match when={panel()?.kind === "sampling"}>
              <Sampling />
            </Match>
            <Match when={panel()?.kind === "details"}>
              <Details message={(panel() as { message: string }).message} />
            </Match>
          </Switch>
        </Suspense>
      </Show>
    </div>
  );
}

function Veil(props: { class?: string; close: () => void }) {
  closesOnEscape(() => props.close());
  return <div class={`veil ${props.class ?? ""}`} onClick={() => props.close()} />;
}
