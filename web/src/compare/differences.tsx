// Two of the answers, one written over the other.
import { createMemo, createSignal, For, Show } from "solid-js";
import { differences } from "./diff";
import { answered } from "./desk";
import { c } from "./words";

export function Differences() {
  const [before, setBefore] = createSignal(0);
  const [after, setAfter] = createSignal(1);
  const all = answered;
  const first = () => all()[Math.min(before(), all().length - 1)]!;
  const second = () => all()[Math.min(after(), all().length - 1)]!;
  const pieces = createMemo(() => differences(first().content, second().content));
  const same = () => pieces()?.every((piece) => piece.kind === "same");
  return (
    <section class="card compare-below" aria-label={c("diff")}>
      <header class="compare-choices">
        <h2 class="compare-title">{c("diff")}</h2>
        <Pick label={c("diffOf")} value={before()} set={setBefore} />
        <Pick label={c("diffWith")} value={after()} set={setAfter} />
      </header>
      <Show when={!same()} fallback={<p class="quiet-line">{c("same")}</p>}>
        <Show when={pieces()} fallback={<p class="quiet-line">{c("tooFar")}</p>}>
          {(found) => (
            <p class="compare-diff" dir="auto">
              <For each={found()}>
                {({ text, kind }) =>
                  kind === "same" ? <>{text}</> : kind === "added" ? <ins title={c("added")}>{text}</ins> : <del title={c("removed")}>{text}</del>
                }
              </For>
            </p>
          )}
        </Show>
      </Show>
    </section>
  );
}

const Pick = (props: { label: string; value: number; set: (at: number) => void }) => (
  <label class="compare-pick">
    <span aria-hidden="true">{props.label}</span>
    <select class="field" aria-label={props.label} onChange={(event) => props.set(Number(event.currentTarget.value))}>
      <For each={answered()}>{(column, at) => <option value={at()} selected={at() === props.value}>{column.model}</option>}</For>
    </select>
  </label>
);
