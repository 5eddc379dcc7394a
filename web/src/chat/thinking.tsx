// What a model thought before it answered: folded, with a timer while it thinks.
import { createEffect, createSignal, onCleanup, Show } from "solid-js";
import { count, seconds } from "../ui/format";
import { IconFold } from "../ui/icons";
import { t } from "../words/words";
import { messages, thinkingTimes } from "./conversation";

export function Thinking(props: { id: string }) {
  const [open, setOpen] = createSignal(false);
  const [now, setNow] = createSignal(Date.now() / 1000);
  const message = () => messages[props.id]!;
  const active = () => message().status === "running" && !message().content;
  createEffect(() => {
    if (!active()) return;
    const timer = setInterval(() => setNow(Date.now() / 1000), 100);
    onCleanup(() => clearInterval(timer));
  });
  const label = () => {
    const times = thinkingTimes[props.id];
    if (active()) return t("thinking.now", { time: seconds(Math.max(0, now() - (times?.from ?? message().created))) });
    const took = times?.to ? times.to - times.from : message().usage?.thinking_s;
    if (took !== undefined) return t("thinking.took", { time: seconds(took) });
    const tokens = message().usage?.reasoning_tokens;
    return tokens ? t("thinking.tokens", { n: count(tokens) }) : t("thinking.title");
  };
  return (
    <section class="thinking" classList={{ open: open(), active: active() }}>
      <button type="button" class="thinking-head" aria-expanded={open()} onClick={() => setOpen(!open())}>
        <span class="seal-dot" />
        {label()}
        <IconFold />
      </button>
      <Show when={open()}>
        <div class="thinking-text" dir="auto">{message().thinking.trim()}</div>
      </Show>
    </section>
  );
}
