// One answer: thinking, text, what went wrong, and under it the one quiet line with what can be done next.
import { createSignal, For, lazy, Show, Suspense } from "solid-js";
import { attempt } from "../ui/faults";
import { IconContinue, IconCopy, IconRetry } from "../ui/icons";
import { Mark } from "../ui/mark";
import { MenuItem, Popover } from "../ui/popover";
import { copyText } from "../ui/save";
import { models } from "../state/server";
import { t } from "../words/words";
import { AnswerLine } from "./answer_line";
import { Branches } from "./branches";
import { ahead, goOn, messages, regenerate } from "./conversation";
import { Thinking } from "./thinking";

const Prose = lazy(() => import("../markdown/prose"));

export function Answer(props: { id: string; last: boolean }) {
  const message = () => messages[props.id]!;
  const running = () => message().status === "running";
  return (
    <article class="message answer" classList={{ last: props.last, running: running() }} aria-label={t("chat.answer")} aria-busy={running()}>
      <Show when={message().thinking}>
        <Thinking id={props.id} />
      </Show>
      <Show when={running() && !message().content && !message().thinking}>
        <p class="waiting" role="status">
          <Mark class="pulse" />
          <Show when={ahead[props.id] !== undefined} fallback={<span class="out-of-sight">{t("chat.waiting")}</span>}>
            <span class="quiet-line">{ahead[props.id] ? t("chat.queued", { n: ahead[props.id]! }) : t("chat.next")}</span>
          </Show>
        </p>
      </Show>
      <Suspense fallback={<div class="prose plain">{message().content}</div>}>
        <Prose text={message().content} finished={!running()} />
      </Suspense>
      <For each={message().warnings}>{(warning) => <p class="notice amber">{warning}</p>}</For>
      <Ending id={props.id} />
      <Show when={!running()}>
        <Actions id={props.id} />
      </Show>
    </article>
  );
}

/** Why an answer is not whole, and the way on. */
function Ending(props: { id: string }) {
  const message = () => messages[props.id]!;
  const reason = () => {
    if (message().status === "stopped") return t("chat.stopped");
    return message().status === "done" && message().finish === "length" ? t("chat.cut") : undefined;
  };
  const fault = () => {
    const { error } = message();
    return typeof error === "object" ? error.message : error;
  };
  return (
    <>
      <Show when={message().status === "failed"}>
        <p class="notice rust" role="alert">
          <span>{fault() || t("fault.answer")}</span>
          <button type="button" class="button" onClick={() => void attempt(() => regenerate(props.id, message().model))}>{t("retry")}</button>
        </p>
      </Show>
      <Show when={reason()}>
        <p class="notice">
          <span>{reason()}</span>
          <button type="button" class="button" onClick={() => void attempt(() => goOn(props.id))}>
            <IconContinue />
            {t("continue")}
          </button>
        </p>
      </Show>
    </>
  );
}

function Actions(props: { id: string }) {
  const [busy, setBusy] = createSignal(false);
  const again = async (model?: string) => {
    if (busy()) return;
    setBusy(true);
    await attempt(() => regenerate(props.id, model));
    setBusy(false);
  };
  return (
    <div class="actions">
      <Branches id={props.id} />
      <button type="button" class="tool" aria-label={t("copy.markdown")} title={t("copy.markdown")} onClick={() => void copyText(messages[props.id]!.content)}>
        <IconCopy />
      </button>
      <Popover label={t("regenerate")} button={<IconRetry />}>
        {(close) => (
          <div class="menu">
            <MenuItem icon={<IconRetry />} run={() => (close(), void again(messages[props.id]!.model))}>{t("regenerate.same")}</MenuItem>
            <For each={models().filter((model) => model.id !== messages[props.id]!.model)}>
              {(model) => <MenuItem run={() => (close(), void again(model.id))}>{t("regenerate.with", { model: model.id })}</MenuItem>}
            </For>
          </div>
        )}
      </Popover>
      <AnswerLine id={props.id} />
    </div>
  );
}
