// A further model reads the answers and says where they agree.
import { createSignal, For, lazy, onCleanup, Show, Suspense } from "solid-js";
import { chosenModel } from "../state/preferences";
import { currentModel, models } from "../state/server";
import { faultText } from "../ui/faults";
import { summary } from "./data";
import { answered, columns, question } from "./desk";
import { c } from "./words";

const Prose = lazy(() => import("../markdown/prose"));

export function Summary() {
  const [judge, setJudge] = createSignal(chosenModel() || currentModel()?.id || "");
  const [text, setText] = createSignal("");
  const [asked, setAsked] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const [fault, setFault] = createSignal("");
  let leave = new AbortController();
  onCleanup(() => leave.abort());

  const run = async () => {
    leave.abort();
    const mine = (leave = new AbortController());
    setText("");
    setFault("");
    setAsked(judge());
    setBusy(true);
    const answers = answered().map(({ model, content, at }) => ({ name: `${model} (${at + 1})`, content }));
    try {
      for await (const more of summary(judge(), question(), answers, mine.signal)) setText((old) => old + more);
    } catch (error) {
      if (!mine.signal.aborted) setFault(faultText(error));
    }
    if (leave === mine) setBusy(false);
  };
  return (
    <section class="card compare-below" aria-label={c("sumTitle")} aria-busy={busy()}>
      <header class="compare-choices">
        <h2 class="compare-title">{c("sumTitle")}</h2>
        <label class="compare-pick">
          <span aria-hidden="true">{c("judge")}</span>
          <select class="field" aria-label={c("judge")} onChange={(event) => setJudge(event.currentTarget.value)}>
            <For each={models()}>{(model) => <option value={model.id} selected={model.id === judge()}>{model.id}</option>}</For>
          </select>
        </label>
        <button type="button" class="button" disabled={busy() || !judge()} onClick={() => void run()}>{c("sumUp")}</button>
      </header>
      <Show when={asked() && columns.some((column) => column.model === asked())}>
        <p class="quiet-line">{c("ownAnswer", { model: asked() })}</p>
      </Show>
      <Show when={text()}>
        <div dir="auto">
          <Suspense><Prose text={text()} finished={!busy()} /></Suspense>
        </div>
      </Show>
      <Show when={fault()}><p class="note" role="alert">{fault()}</p></Show>
    </section>
  );
}
