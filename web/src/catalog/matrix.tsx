// What goes in, down; what comes out, across; how many models do it. A cell keeps those in the table.
import { For } from "solid-js";
import { inputs, makes, outputs, sameKind, type CatalogModel, type Kind } from "./data";
import { c } from "./words";

export const Matrix = (props: { models: CatalogModel[]; kind: Kind | undefined; choose: (kind: Kind | undefined) => void }) => {
  const count = (kind: Kind) => props.models.filter((model) => makes(model, kind)).length;
  return (
    <section class="card catalog-card">
      <h2 class="catalog-title">{c("kinds")}</h2>
      <p class="catalog-note">{c("kinds_note")}</p>
      <table class="catalog-kinds">
        <thead>
          <tr>
            <th scope="col">
              <span class="out-of-sight">{c("into")}</span>
            </th>
            <For each={outputs}>{(output) => <th scope="col">→ {c(output)}</th>}</For>
          </tr>
        </thead>
        <tbody>
          <For each={inputs}>
            {(input) => (
              <tr>
                <th scope="row">{c(input)}</th>
                <For each={outputs}>{(output) => <Cell kind={{ input, output }} n={count({ input, output })} kept={sameKind(props.kind, { input, output })} choose={props.choose} />}</For>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </section>
  );
};

const Cell = (props: { kind: Kind; n: number; kept: boolean; choose: (kind: Kind | undefined) => void }) => (
  <td>
    <button
      type="button"
      disabled={!props.n}
      aria-pressed={props.kept}
      aria-label={c("kind", { input: c(props.kind.input as "text"), output: c(props.kind.output as "text"), n: props.n })}
      onClick={() => props.choose(props.kept ? undefined : props.kind)}
    >
      {props.n || "·"}
    </button>
  </td>
);
