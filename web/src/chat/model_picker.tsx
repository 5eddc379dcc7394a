// The model of the next question: searched by name, with what matters of each in one line.
import { createMemo, createSignal, For, onMount, Show } from "solid-js";
import type { Model } from "../api/types";
import { setChosenModel } from "../state/preferences";
import { currentModel, models } from "../state/server";
import { count } from "../ui/format";
import { IconCheck, IconFold } from "../ui/icons";
import { ModelBadges } from "../ui/model_badges";
import { Popover } from "../ui/popover";
import { t } from "../words/words";

export const ModelPicker = (props: { ref: (button: HTMLButtonElement) => void }) => (
  <Popover
    ref={props.ref}
    class="model-button"
    panelClass="model-panel"
    label={t("model.choose")}
    buttonLabel={`${t("model.choose")}: ${currentModel()?.id ?? t("model.none")}`}
    button={
      <>
        <span class="model-name">{currentModel()?.id ?? t("model.none")}</span>
        <IconFold />
      </>
    }
  >
    {(close) => <Choices close={close} />}
  </Popover>
);

function Choices(props: { close: () => void }) {
  let field!: HTMLInputElement;
  const [text, setText] = createSignal("");
  const found = createMemo(() => {
    const words = text().toLowerCase().split(/\s+/).filter(Boolean);
    return models().filter((model) => words.every((word) => `${model.id} ${model.owner} ${model.quantisation}`.toLowerCase().includes(word)));
  });
  const [at, setAt] = createSignal(Math.max(0, found().findIndex((model) => model.id === currentModel()?.id)));
  const choose = (model: Model | undefined) => {
    if (!model) return;
    setChosenModel(model.id);
    props.close();
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((old) => (old + step + found().length) % Math.max(found().length, 1));
    else if (event.key === "Enter") choose(found()[at()]);
    else return;
    event.preventDefault();
  };
  onMount(() => requestAnimationFrame(() => field.focus()));
  return (
    <>
      <input
        ref={field}
        class="field"
        role="combobox"
        aria-expanded="true"
        aria-controls="model-list"
        aria-activedescendant={`model-${at()}`}
        aria-label={t("model.search")}
        placeholder={t("model.search")}
        onInput={(event) => (setText(event.currentTarget.value), setAt(0))}
        onKeyDown={pressed}
      />
      <div class="model-list" id="model-list" role="listbox" aria-label={t("model.choose")}>
        <For each={found()}>
          {(model, index) => (
            <div class="model-choice" role="option" id={`model-${index()}`} aria-selected={index() === at()} onClick={() => choose(model)}>
              <span class="model-line">
                <span class="model-id">{model.id}</span>
                <ModelBadges model={model} />
                <Show when={model.id === currentModel()?.id}>
                  <IconCheck />
                </Show>
              </span>
              <span class="model-facts">
                {[model.quantisation, model.context ? t("model.context", { n: count(model.context) }) : "", model.loaded ? t("model.loaded") : ""]
                  .filter(Boolean)
                  .join(" · ")}
              </span>
              <Show when={!model.chat}>
                <span class="model-facts">{t("model.base-note")}</span>
              </Show>
            </div>
          )}
        </For>
        <Show when={!found().length}>
          <p class="quiet-line">{models().length ? t("search.none") : t("models.none")}</p>
        </Show>
      </div>
    </>
  );
}
