// A dialog with one field and the lines that match it: arrows move, Enter runs, Escape closes.
import { createEffect, createSignal, For, Show } from "solid-js";
import { t } from "../words/words";
import { Dialog } from "./dialog";
import { setTop } from "./layers";

export interface Choice {
  name: string;
  note: string;
  run: () => void;
}

interface Props {
  label: string;
  choices: Choice[]; // those that match the text
  typed: (text: string) => void;
  dismissed?: () => void;
}

export function Chooser(props: Props) {
  const [at, setAt] = createSignal(0);
  let chosen = false;
  const run = (choice: Choice | undefined) => {
    if (!choice) return;
    chosen = true;
    setTop(undefined);
    choice.run();
  };
  const closed = () => {
    setTop(undefined);
    if (!chosen) props.dismissed?.();
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((old) => (old + step + props.choices.length) % Math.max(props.choices.length, 1));
    else if (event.key === "Enter") run(props.choices[at()]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog label={props.label} class="palette" bare close={closed}>
      <input
        class="palette-field"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={`palette-${at()}`}
        aria-label={props.label}
        placeholder={props.label}
        autofocus
        onInput={(event) => (setAt(0), props.typed(event.currentTarget.value))}
        onKeyDown={pressed}
      />
      <div id="palette-list" class="palette-list" role="listbox" aria-label={props.label}>
        <For each={props.choices}>
          {(choice, index) => <Row choice={choice} id={`palette-${index()}`} chosen={index() === at()} point={() => setAt(index())} run={() => run(choice)} />}
        </For>
      </div>
      <Show when={!props.choices.length}>
        <p class="quiet-line palette-empty">{t("search.none")}</p>
      </Show>
    </Dialog>
  );
}

function Row(props: { choice: Choice; id: string; chosen: boolean; point: () => void; run: () => void }) {
  let node!: HTMLDivElement;
  createEffect(() => props.chosen && node.scrollIntoView({ block: "nearest" }));
  return (
    <div ref={node} id={props.id} class="palette-row" role="option" aria-selected={props.chosen} onPointerMove={() => props.point()} onClick={() => props.run()}>
      <span class="palette-name">{props.choice.name}</span>
      <span class="palette-note">{props.choice.note}</span>
    </div>
  );
}
