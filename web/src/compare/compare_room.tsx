// One question, several models: their answers side by side, each with its own stop and retry.
import "./compare.css";
import { createEffect, createSignal, For, lazy, Show, Suspense, type JSX } from "solid-js";
import { params } from "../state/preferences";
import { go } from "../state/route";
import { models } from "../state/server";
import { growing } from "../chat/growing";
import { sendsMessage } from "../chat/send_key";
import { attempt } from "../ui/faults";
import { count, rate, seconds } from "../ui/format";
import { IconCheck, IconCopy, IconFold, IconRetry, IconSend, IconStop } from "../ui/icons";
import { Mark } from "../ui/mark";
import { Popover } from "../ui/popover";
import { answered, ask, chosen, columns, goOn, question, retry, running, setPicked, stop, stopAll, type Column } from "./desk";
import { Differences } from "./differences";
import { Summary } from "./summary";
import { c } from "./words";

const Prose = lazy(() => import("../markdown/prose"));

export default function CompareRoom() {
  createEffect(() => (document.title = `${c("title")} · Shenbi`));
  return (
    <main class="room page compare" aria-label={c("title")}>
      <div class="compare-page">
        <Show when={columns.length} fallback={<Empty />}>
          <h1 class="compare-question" dir="auto">{question()}</h1>
          <div class="compare-columns">
            <For each={columns}>{(column, at) => <Answer column={column} at={at()} />}</For>
          </div>
          <Show when={answered().length > 1}>
            <Summary />
            <Differences />
          </Show>
        </Show>
      </div>
      <Asking />
    </main>
  );
}

const Empty = () => (
  <div class="empty">
    <Mark />
    <h1 class="out-of-sight">{c("title")}</h1>
    <p class="empty-line">{c("empty")}</p>
    <Show when={models().length === 1}>
      <p class="quiet-line">{c("only_one")}</p>
    </Show>
  </div>
);

const Answer = (props: { column: Column; at: number }) => (
  <article class="card compare-column" aria-label={props.column.model} aria-busy={props.column.status === "running"}>
    <header class="compare-head">
      <h2 class="compare-model">{props.column.model}</h2>
      <Show
        when={props.column.status === "running"}
        fallback={
          <>
            <Tool label={c("copy", { model: props.column.model })} run={() => void attempt(() => navigator.clipboard.writeText(props.column.content))}><IconCopy /></Tool>
            <Tool label={c("retry", { model: props.column.model })} run={() => void attempt(() => retry(props.at))}><IconRetry /></Tool>
          </>
        }
      >
        <Tool label={c("stop", { model: props.column.model })} run={() => void stop(props.at)}><IconStop /></Tool>
      </Show>
    </header>
    <Show when={props.column.thinking}>
      <details class="compare-thinking">
        <summary>{c("thinking")}</summary>
        <p dir="auto">{props.column.thinking}</p>
      </details>
    </Show>
    <div class="compare-text" dir="auto">
      <Show when={props.column.content} fallback={<Show when={props.column.status === "running"}><p class="quiet-line pulse">{c("waiting")}</p></Show>}>
        <Suspense fallback={<p>{props.column.content}</p>}>
          <Prose text={props.column.content} finished={props.column.status !== "running"} />
        </Suspense>
      </Show>
    </div>
    <Show when={props.column.error}>
      <p class="note compare-failed" role="alert">{c("failed")}: {props.column.error}</p>
    </Show>
    <Show when={props.column.status === "stopped"}><p class="quiet-line">{c("stopped")}</p></Show>
    <Show when={props.column.finish === "length"}><p class="quiet-line">{c("cut")}</p></Show>
    <Foot column={props.column} at={props.at} />
  </article>
);

const Tool = (props: { label: string; run: () => void; children: JSX.Element }) => (
  <button type="button" class="tool" aria-label={props.label} title={props.label} onClick={props.run}>{props.children}</button>
);

const Foot = (props: { column: Column; at: number }) => (
  <Show when={props.column.figures && props.column.status !== "failed"}>
    <footer class="compare-foot">
      <span class="compare-figures">{figuresOf(props.column)}</span>
      <Show when={props.column.content}>
        <button type="button" class="button" aria-label={c("keepLabel", { model: props.column.model })} onClick={() => void attempt(async () => go("chat", await goOn(props.at)))}>
          {c("keep")}
        </button>
      </Show>
    </footer>
  </Show>
);

function figuresOf({ figures }: Column): string {
  const { usage, first_token_s, tokens_per_s, seconds: all, cost_nano_usd } = figures!;
  return [
    c("tokens", { n: `${count(usage.prompt_tokens)} + ${count(usage.completion_tokens)}` }),
    first_token_s === null ? "" : c("first", { time: seconds(first_token_s) }),
    tokens_per_s === null ? "" : c("rate", { n: rate(tokens_per_s) }),
    seconds(all),
    cost_nano_usd === null ? c("unknown") : cost_nano_usd === 0 ? c("free") : `$${(cost_nano_usd / 1e9).toPrecision(2)}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

function Asking() {
  let field!: HTMLTextAreaElement;
  const [text, setText] = createSignal("");
  const ready = () => text().trim() !== "" && chosen().length > 0 && !running();
  const send = () => {
    if (!ready()) return;
    ask(text(), chosen(), params());
    field.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const pressed = (event: KeyboardEvent) => {
    if (!sendsMessage(event)) return;
    event.preventDefault();
    send();
  };
  return (
    <form class="compare-asking" onSubmit={(event) => (event.preventDefault(), send())}>
      <textarea
        ref={(node) => growing((field = node))}
        class="field"
        rows="1"
        dir="auto"
        placeholder={c("placeholder")}
        aria-label={c("question")}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={pressed}
      />
      <div class="compare-bar">
        <Models />
        <span class="spring" />
        <Show
          when={running()}
          fallback={
            <button type="submit" class="button primary" disabled={!ready()}><IconSend /> {c("send")}</button>
          }
        >
          <button type="button" class="button" onClick={stopAll}><IconStop /> {c("stopAll")}</button>
        </Show>
      </div>
    </form>
  );
}

function Models() {
  const toggle = (id: string) => setPicked(chosen().includes(id) ? chosen().filter((one) => one !== id) : [...chosen(), id]);
  return (
    <Popover
      class="button"
      panelClass="compare-panel"
      label={c("choose")}
      buttonLabel={`${c("choose")}: ${chosen().join(", ")}`}
      button={<><span class="compare-names">{chosen().length > 2 ? c("chosen", { n: chosen().length }) : chosen().join(", ") || c("one")}</span><IconFold /></>}
    >
      {() => (
        <div class="menu" role="group" aria-label={c("models")}>
          <For each={models()}>
            {(model) => (
              <button type="button" class="menu-item" role="checkbox" aria-checked={chosen().includes(model.id)} onClick={() => toggle(model.id)}>
                <span class="compare-tick"><Show when={chosen().includes(model.id)}><IconCheck /></Show></span>
                <span class="menu-text">{model.id}</span>
              </button>
            )}
          </For>
        </div>
      )}
    </Popover>
  );
}
