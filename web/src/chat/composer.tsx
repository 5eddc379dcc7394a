// Where a question is written. Send turns into Stop while an answer runs; the draft outlives a reload.
import { createEffect, createSignal, on, onCleanup, onMount, Show } from "solid-js";
import { go, route, settle } from "../state/route";
import { config, currentModel, refreshConfig } from "../state/server";
import { attempt, faultText } from "../ui/faults";
import { setTop } from "../ui/layers";
import { sayFault } from "../ui/toast";
import { IconSend, IconStop } from "../ui/icons";
import { t } from "../words/words";
import { ContextMeter } from "./context_meter";
import * as conversation from "./conversation";
import { draftOf, keepDraft } from "./drafts";
import { liveEstimate } from "./estimate";
import { growing } from "./growing";
import { insertion, takeInto } from "./insertion";
import { ModelPicker } from "./model_picker";
import { editLastQuestion } from "./question";
import { sendsMessage } from "./send_key";

const hasKeyboard = matchMedia("(hover: hover)").matches; // elsewhere a focus would raise the keyboard over the text

export function Composer() {
  let field!: HTMLTextAreaElement;
  let picker!: HTMLButtonElement;
  const [text, setText] = createSignal("");
  const [sending, setSending] = createSignal(false);
  const estimate = liveEstimate(text);

  const write = (value: string) => {
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  createEffect(on(() => route().id, (id) => !sending() && write(draftOf(id))));
  createEffect(on(insertion, () => takeInto(field)));
  const typed = () => {
    setText(field.value);
    if (!sending()) keepDraft(route().id, field.value); // what is being sent stays a draft until it is taken
  };

  const ready = () => text().trim() !== "" && (currentModel() || !config()) && !sending() && !conversation.running();
  const send = async () => {
    settle();
    if (!ready()) return;
    const content = field.value;
    const draft = route().id;
    setSending(true);
    write("");
    try {
      if (!config()) await refreshConfig(); // someone was faster than the first request
      await conversation.ask(content);
      keepDraft(draft, "");
      setSending(false);
    } catch (error) {
      setSending(false);
      write(content);
      sayFault(faultText(error));
    }
    if (hasKeyboard) field.focus();
  };
  const stop = () => void attempt(() => conversation.stop(conversation.running()!));

  const pressed = (event: KeyboardEvent) => {
    if (sendsMessage(event)) {
      event.preventDefault();
      void send();
    } else if (event.key === "@" && field.value === "" && !event.isComposing) {
      event.preventDefault();
      picker.click();
    } else if (event.key === "/" && field.value === "" && !event.isComposing) {
      event.preventDefault();
      setTop("prompts");
    } else if (event.key === "ArrowUp" && field.value === "") {
      event.preventDefault();
      editLastQuestion();
    }
  };
  onMount(() => {
    if (hasKeyboard) field.focus();
    const focusOnLetter = (event: KeyboardEvent) => {
      const elsewhere = document.activeElement !== document.body && document.activeElement?.className !== "transcript";
      if (elsewhere || event.key.length !== 1 || event.key === " " || event.ctrlKey || event.metaKey || event.altKey) return;
      field.focus();
    };
    addEventListener("keydown", focusOnLetter);
    onCleanup(() => removeEventListener("keydown", focusOnLetter));
  });

  return (
    <div class="composer-frame">
      <Show when={currentModel()?.chat === false}>
        <p class="base-note">
          {t("model.base-line", { model: currentModel()!.id })}{" "}
          <button type="button" class="text" onClick={() => go("models")}>{t("room.models")}</button>
        </p>
      </Show>
      <form class="composer" onSubmit={(event) => (event.preventDefault(), void send())}>
        <textarea
          ref={(node) => growing((field = node))}
          rows="1"
          dir="auto"
          placeholder={t("composer.placeholder")}
          aria-label={t("composer.label")}
          onInput={typed}
          onKeyDown={pressed}
        />
        <div class="composer-bar">
          <ModelPicker ref={(button) => (picker = button)} />
          <span class="spring" />
          <ContextMeter estimate={estimate()} />
          <Show
            when={conversation.running()}
            fallback={
              <button type="submit" class="send" disabled={!ready()} aria-label={t("send")} title={t("send")}>
                <IconSend />
              </button>
            }
          >
            <button type="button" class="send stop" aria-label={t("stop")} title={t("stop")} onClick={stop}>
              <IconStop />
            </button>
          </Show>
        </div>
      </form>
    </div>
  );
}
