// Settings of the next answer. A setting that is not set is the model's own, and any set one can go back to it.
import { For, Show, type JSX } from "solid-js";
import type { Params } from "../api/types";
import { changedParams, params, setParams } from "../state/preferences";
import { IconClose, IconRetry } from "../ui/icons";
import { t } from "../words/words";
import { setPanel } from "./panel";

type Name = keyof Params;

interface Figure {
  name: Name;
  min: number;
  max: number;
  step: number;
}

const figures: Figure[] = [
  { name: "temperature", min: 0, max: 2, step: 0.05 },
  { name: "top_p", min: 0, max: 1, step: 0.01 },
  { name: "top_k", min: 0, max: 200, step: 1 },
  { name: "min_p", min: 0, max: 1, step: 0.01 },
  { name: "repetition_penalty", min: 1, max: 2, step: 0.01 },
  { name: "frequency_penalty", min: -2, max: 2, step: 0.05 },
  { name: "presence_penalty", min: -2, max: 2, step: 0.05 },
];

function set<N extends Name>(name: N, value: Params[N] | undefined): void {
  const { [name]: _, ...rest } = params();
  setParams(value === undefined ? rest : { ...rest, [name]: value });
}

const Sampling = () => (
  <aside class="side" aria-label={t("sampling.title")}>
    <header class="head">
      <h2 class="title">{t("sampling.title")}</h2>
      <Show when={changedParams()}>
        <button type="button" class="text" onClick={() => setParams({})}>{t("sampling.reset-all")}</button>
      </Show>
      <button type="button" class="tool" aria-label={t("close")} title={t("close")} onClick={() => setPanel(undefined)}>
        <IconClose />
      </button>
    </header>
    <div class="side-body">
      <Field name="system">
        <textarea class="field" rows="4" dir="auto" id="param-system" value={params().system ?? ""} onChange={(event) => set("system", event.currentTarget.value || undefined)} />
      </Field>
      <For each={figures}>{(figure) => <Slider {...figure} />}</For>
      <Whole name="max_tokens" min={1} />
      <Whole name="seed" min={0} />
      <Field name="stop">
        <textarea
          class="field mono"
          rows="2"
          id="param-stop"
          placeholder={t("param.stop.note")}
          value={(params().stop ?? []).join("\n")}
          onChange={(event) => set("stop", stops(event.currentTarget.value))}
        />
      </Field>
      <Field name="thinking">
        <select
          class="field"
          id="param-thinking"
          value={params().thinking === undefined ? "" : String(params().thinking)}
          onChange={(event) => set("thinking", { true: true, false: false }[event.currentTarget.value])}
        >
          <option value="">{t("sampling.default")}</option>
          <option value="true">{t("on")}</option>
          <option value="false">{t("off")}</option>
        </select>
      </Field>
    </div>
  </aside>
);

function stops(text: string): string[] | undefined {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.length ? lines : undefined;
}

function Field(props: { name: Name; children: JSX.Element }) {
  const isSet = () => params()[props.name] !== undefined;
  return (
    <div class="param" classList={{ changed: isSet() }}>
      <div class="param-head">
        <label for={`param-${props.name}`}>{t(`param.${props.name}`)}</label>
        <Show when={isSet()} fallback={<span class="param-default">{t("sampling.default")}</span>}>
          <button type="button" class="text" aria-label={t("sampling.reset", { name: t(`param.${props.name}`) })} onClick={() => set(props.name, undefined)}>
            <IconRetry />
            {t("reset")}
          </button>
        </Show>
      </div>
      {props.children}
    </div>
  );
}

/** The slider moves, the number says exactly. */
function Slider(props: Figure) {
  const value = () => params()[props.name] as number | undefined;
  const take = (text: string) => {
    const number = Number.parseFloat(text);
    set(props.name, Number.isFinite(number) ? Math.min(props.max, Math.max(props.min, number)) : undefined);
  };
  return (
    <Field name={props.name}>
      <div class="slider">
        <input
          type="range"
          tabindex="-1"
          aria-hidden="true"
          min={props.min}
          max={props.max}
          step={props.step}
          value={value() ?? (props.min + props.max) / 2}
          onInput={(event) => take(event.currentTarget.value)}
        />
        <input
          type="number"
          class="field figure"
          id={`param-${props.name}`}
          min={props.min}
          max={props.max}
          step={props.step}
          placeholder="–"
          value={value() ?? ""}
          onChange={(event) => take(event.currentTarget.value)}
        />
      </div>
    </Field>
  );
}

function Whole(props: { name: "max_tokens" | "seed"; min: number }) {
  const take = (text: string) => {
    const number = Number.parseInt(text, 10);
    set(props.name, Number.isSafeInteger(number) && number >= props.min ? number : undefined);
  };
  return (
    <Field name={props.name}>
      <input
        type="number"
        class="field figure"
        id={`param-${props.name}`}
        min={props.min}
        step="1"
        placeholder="–"
        value={params()[props.name] ?? ""}
        onChange={(event) => take(event.currentTarget.value)}
      />
    </Field>
  );
}

export default Sampling;
