// The models the server has: a table that sorts by any column and filters by a few letters.
import "./models.css";
import { createMemo, createSignal, For, onMount, Show } from "solid-js";
import type { Model } from "../api/types";
import { setChosenModel } from "../state/preferences";
import { go } from "../state/route";
import { config, models, refreshConfig } from "../state/server";
import { bytes, count, parameters } from "../ui/format";
import { Mark } from "../ui/mark";
import { ModelBadges } from "../ui/model_badges";
import { IconSearch } from "../ui/icons";
import { t, type Word } from "../words/words";

type Column = "id" | "parameters" | "quantisation" | "bytes" | "context" | "loaded";

const columns: { id: Column; word: Word; figure: boolean }[] = [
  { id: "id", word: "models.name", figure: false },
  { id: "parameters", word: "models.parameters", figure: true },
  { id: "quantisation", word: "models.quantisation", figure: false },
  { id: "bytes", word: "models.size", figure: true },
  { id: "context", word: "models.context", figure: true },
  { id: "loaded", word: "models.state", figure: false },
];

export default function ModelsRoom() {
  const [filter, setFilter] = createSignal("");
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
          <Show when={models().length}>
            <label class="search">
              <IconSearch />
              <input type="text" placeholder={t("models.filter")} aria-label={t("models.filter")} onInput={(event) => setFilter(event.currentTarget.value)} />
            </label>
          </Show>
        </header>
        <Show when={models().length} fallback={<NoModels />}>
          <div class="scroll card" tabindex="0" role="region" aria-label={t("room.models")}>
            <table class="models">
              <thead>
                <tr>
                  <For each={columns}>
                    {(column) => (
                      <th classList={{ figure: column.figure }} aria-sort={order().by === column.id ? (order().up ? "ascending" : "descending") : undefined}>
                        <button type="button" onClick={() => sortBy(column.id)}>{t(column.word)}</button>
                      </th>
                    )}
                  </For>
                  <th>
                    <span class="out-of-sight">{t("models.use")}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                <For each={shown()}>{(model) => <Row model={model} />}</For>
              </tbody>
            </table>
          </div>
          <Show when={models().some((model) => !model.chat)}>
            <p class="note">{t("models.base-note")}</p>
          </Show>
        </Show>
      </div>
    </main>
  );
}

const Row = (props: { model: Model }) => (
  <tr>
    <td>
      <span class="model-line">
        <span class="model-id">{props.model.id}</span>
        <ModelBadges model={props.model} />
      </span>
    </td>
    <td class="figure" data-name={t("models.parameters")}>{props.model.parameters ? parameters(props.model.parameters) : "–"}</td>
    <td data-name={t("models.quantisation")}>{props.model.quantisation || "–"}</td>
    <td class="figure" data-name={t("models.size")}>{props.model.bytes ? bytes(props.model.bytes) : "–"}</td>
    <td class="figure" data-name={t("models.context")}>{props.model.context ? count(props.model.context) : "–"}</td>
    <td data-name={t("models.state")}>
      <span class="state" classList={{ on: props.model.loaded }}>{props.model.loaded ? t("model.loaded") : t("models.idle")}</span>
    </td>
    <td class="figure">
      <button type="button" class="button" onClick={() => (setChosenModel(props.model.id), go("chat"))}>{t("models.use")}</button>
    </td>
  </tr>
);

const NoModels = () => (
  <Show when={config()}>
    <div class="empty">
      <Mark />
      <p class="empty-line">{t("models.none")}</p>
      <p>
        <code>shenbi pull gemma3:270m</code>
      </p>
    </div>
  </Show>
);
