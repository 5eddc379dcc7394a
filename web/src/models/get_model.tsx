// The dialog in which a model is chosen to be fetched, and the list of those on their way.
import { createResource, createSignal, For, Show } from "solid-js";
import { Dialog } from "../ui/dialog";
import { FormField } from "../ui/form";
import { bytes } from "../ui/format";
import { IconClose, IconRetry, IconStop } from "../ui/icons";
import { fetches, fetchModel, forgetFetch, knownModels, stopFetch, type Fetch } from "./fetching";
import { t } from "../words/words";
import { m } from "./words";

export function GetModel(props: { close: () => void }) {
  const [known] = createResource(knownModels);
  const [name, setName] = createSignal("");
  const get = (model: string) => {
    void fetchModel(model);
    props.close();
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (name().trim()) get(name().trim());
  };
  return (
    <Dialog label={t("models.get")} close={props.close}>
      <ul class="known">
        <For each={known.latest}>
          {(one) => (
            <li class="known-line">
              <div>
                <div class="model-id">{one.title}</div>
                <div class="form-note">{[one.name, one.quantisation, m(one.chat ? "chat" : "base")].join(" · ")}</div>
              </div>
              <Show when={!one.here} fallback={<span class="form-note">{m("here")}</span>}>
                <button type="button" class="button" aria-label={m("get_one", { model: one.name })} onClick={() => get(one.name)}>{m("get_button")}</button>
              </Show>
            </li>
          )}
        </For>
      </ul>
      <form class="form" onSubmit={submit}>
        <FormField name={m("other")} wide>
          <input class="field" maxlength="200" autocomplete="off" spellcheck={false} placeholder="qwen3:0.6b" onInput={(event) => setName(event.currentTarget.value)} />
        </FormField>
        <p class="form-note">{m("other_note")} {m("get_note")}</p>
        <button type="submit" class="button primary" disabled={!name().trim()}>{m("get_button")}</button>
      </form>
    </Dialog>
  );
}

export const Fetches = () => (
  <Show when={fetches.length}>
    <section class="card fetches" aria-label={m("fetching")}>
      <For each={fetches}>{(one) => <Line fetch={one} />}</For>
    </section>
  </Show>
);

function Line(props: { fetch: Fetch }) {
  const model = () => props.fetch.model;
  const told = () => {
    const { state, file, done, total, fault } = props.fetch;
    if (state === "failed") return fault;
    if (state === "stopped") return m("stopped");
    if (state === "done") return m("fetched", { model: model() });
    return total ? m("progress", { file, done: bytes(done), total: bytes(total) }) : m("starting");
  };
  const percent = () => Math.round((100 * props.fetch.done) / props.fetch.total);
  return (
    <div class="fetch" role={props.fetch.state === "failed" ? "alert" : "status"}>
      <div class="fetch-line">
        <span class="model-id">{model()}</span>
        <span class="form-note">{told()}</span>
        <span class="fetch-tools">
          <Show
            when={props.fetch.state === "running"}
            fallback={
              <>
                <Show when={props.fetch.state !== "done"}>
                  <button type="button" class="tool" aria-label={m("again", { model: model() })} title={m("again", { model: model() })} onClick={() => void fetchModel(model())}><IconRetry /></button>
                </Show>
                <button type="button" class="tool" aria-label={m("forget", { model: model() })} title={m("forget", { model: model() })} onClick={() => forgetFetch(model())}><IconClose /></button>
              </>
            }
          >
            <button type="button" class="tool" aria-label={m("stop", { model: model() })} title={m("stop", { model: model() })} onClick={() => stopFetch(model())}><IconStop /></button>
          </Show>
        </span>
      </div>
      <Show when={props.fetch.state === "running"}>
        <Show when={props.fetch.total} fallback={<progress class="fetch-bar" aria-label={model()} />}>
          <progress class="fetch-bar" aria-label={model()} max="100" value={percent()} />
        </Show>
      </Show>
    </div>
  );
}
