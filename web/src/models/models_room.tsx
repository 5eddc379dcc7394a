// The models the server has: a table that sorts by any column and filters by a few letters; models fetched and removed;
// accounts at other houses.
import "./models.css";
import "../ui/form.css";
import { createMemo, createResource, createSignal, For, onMount, Show } from "solid-js";
import type { Model } from "../api/types";
import { setChosenModel } from "../state/preferences";
import { go } from "../state/route";
import { config, isLocal, models, refreshConfig } from "../state/server";
import { bytes, count, parameters } from "../ui/format";
import { Mark } from "../ui/mark";
import { ModelBadges } from "../ui/model_badges";
import { attempt } from "../ui/faults";
import { IconDownload, IconSearch, IconTrash } from "../ui/icons";
import { t } from "../words/words";
import { fetches, knownModels, removeModel } from "./fetching";
import { Fetches, GetModel } from "./get_model";
import { Houses } from "./houses";
import { m, type ModelsWord } from "./words";

type Column = "id" | "parameters" | "quantisation" | "bytes" | "context" | "loaded";

const columns: { id: Column; word: ModelsWord; figure: boolean }[] = [
  { id: "id", word: "name", figure: false },
  { id: "parameters", word: "parameters", figure: true },
  { id: "quantisation", word: "quantisation", figure: false },
  { id: "bytes", word: "size", figure: true },
  { id: "context", word: "context", figure: true },
  { id: "loaded", word: "state", figure: false },
];

export default function ModelsRoom() {
  const [filter, setFilter] = createSignal("");
  const [manages] = createResource(() => knownModels().then(() => true, () => false)); // whoever may not is offered nothing of it
  const [getting, setGetting] = createSignal(false);
  const [order, setOrder] = createSignal<{ by: Column; up: boolean }>({ by: "id", up: true });
  onMount(() => {
    void refreshConfig();
    document.title = `${t("room.models")} · Shenbi`;
  });
  const shown = createMemo(() => {
    const { by, up } = order();
    const text = filter().toLowerCase();
    const compare = (a: Model, b: Model) => {
      const [x, y] = [a[by], b[by]];
      return typeof x === "string" ? x.localeCompare(String(y)) : Number(x) - Number(y);
    };
    return models()
      .filter((model) => `${model.id} ${model.owner} ${model.quantisation}`.toLowerCase().includes(text))
      .sort((a, b) => (up ? compare(a, b) : compare(b, a)));
  });
  const sortBy = (by: Column) => setOrder((old) => ({ by, up: old.by === by ? !old.up : true }));
  return (
    <main class="room page" aria-label={t("room.models")}>
      <div class="page-column">
        <header class="page-head">
          <h1>{t("room.models")}</h1>
          <div class="models-tools">
            <Show when={models().length}>
              <label class="search">
                <IconSearch />
                <input type="text" placeholder={m("filter")} aria-label={m("filter")} onInput={(event) => setFilter(event.currentTarget.value)} />
              </label>
            </Show>
            <Show when={manages.latest}>
              <button type="button" class="button" onClick={() => setGetting(true)}><IconDownload /> {t("models.get")}</button>
            </Show>
          </div>
        </header>
        <Fetches />
        <Show when={models().length} fallback={<Show when={!fetches.length}><NoModels /></Show>}>
          <div class="scroll card" tabindex="0" role="region" aria-label={t("room.models")}>
            <table class="models">
              <thead>
                <tr>
                  <For each={columns}>
                    {(column) => (
                      <th classList={{ figure: column.figure }} aria-sort={order().by === column.id ? (order().up ? "ascending" : "descending") : undefined}>
                        <button type="button" onClick={() => sortBy(column.id)}>{m(column.word)}</button>
                      </th>
                    )}
                  </For>
                  <th>
                    <span class="out-of-sight">{m("use")}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                <For each={shown()}>{(model) => <Row model={model} manages={manages.latest === true} />}</For>
              </tbody>
            </table>
          </div>
          <Show when={models().some((model) => !model.chat)}>
            <p class="note">{m("base_note")}</p>
          </Show>
        </Show>
        <Houses />
        <Show when={getting()}>
          <GetModel close={() => setGetting(false)} />
        </Show>
      </div>
    </main>
  );
}

const Row = (props: { model: Model; manages: boolean }) => (
  <tr>
    <td>
      <span class="model-line">
        <span class="model-id">{props.model.id}</span>
        <ModelBadges model={props.model} />
      </span>
    </td>
    <td class="figure" data-name={m("parameters")}>{props.model.parameters ? parameters(props.model.parameters) : "–"}</td>
    <td data-name={m("quantisation")}>{props.model.quantisation || "–"}</td>
    <td class="figure" data-name={m("size")}>{props.model.bytes ? bytes(props.model.bytes) : "–"}</td>
    <td class="figure" data-name={m("context")}>{props.model.context ? count(props.model.context) : "–"}</td>
    <td data-name={m("state")}>
      <span class="state" classList={{ on: props.model.loaded }}>{props.model.loaded ? t("model.loaded") : m("idle")}</span>
    </td>
    <td class="figure">
      <span class="models-doing">
        <button type="button" class="button" onClick={() => (setChosenModel(props.model.id), go("chat"))}>{m("use")}</button>
        <Show when={props.manages && isLocal(props.model)}>
          <Remove model={props.model.id} />
        </Show>
      </span>
    </td>
  </tr>
);

function Remove(props: { model: string }) {
  const [sure, setSure] = createSignal(false);
  const remove = async () => {
    await attempt(() => removeModel(props.model));
    await refreshConfig();
  };
  const label = () => (sure() ? m("sure") : m("remove", { model: props.model }));
  return (
    <button type="button" class={sure() ? "button danger" : "tool"} aria-label={label()} title={label()} onBlur={() => setSure(false)} onClick={() => (sure() ? void remove() : setSure(true))}>
      {sure() ? m("sure") : <IconTrash />}
    </button>
  );
}

const NoModels = () => (
  <Show when={config()}>
    <div class="empty">
      <Mark />
      <p class="empty-line">{t("models.none")}</p>
    </div>
  </Show>
);
