// Which models there are: the kinds as a matrix, price against context, a table that filters and sorts, and each one's details.
import "./catalog.css";
import { createEffect, createMemo, createResource, createSignal, For, Show, Suspense } from "solid-js";
import { faultText } from "../ui/faults";
import { IconSearch } from "../ui/icons";
import { cheapest, chosen, getCatalog, getSpeeds, isLocal, speedOf, type CatalogModel, type Choice } from "./data";
import { Detail } from "./detail";
import { dollars, short } from "./figures";
import { Matrix } from "./matrix";
import { Scatter } from "./scatter";
import { c, said, type CatalogWord } from "./words";

type Column = "model" | "maker" | "class" | "in_out" | "context" | "input" | "output" | "speed" | "weights";
const columns: { id: Column; figure?: true }[] = [
  { id: "model" },
  { id: "maker" },
  { id: "class" },
  { id: "in_out" },
  { id: "context", figure: true },
  { id: "input", figure: true },
  { id: "output", figure: true },
  { id: "speed", figure: true },
  { id: "weights" },
];

export default function CatalogRoom() {
  const [catalog] = createResource(() => getCatalog().then((value) => ({ value, fault: "" }), (error: unknown) => ({ value: undefined, fault: faultText(error) })));
  const [speeds] = createResource(getSpeeds, { initialValue: new Map<string, number>() });
  const [choice, setChoice] = createSignal<Choice>({ text: "", kind: undefined, open: "", offered: false });
  const [order, setOrder] = createSignal<{ by: Column; up: boolean }>({ by: "model", up: true });
  const [open, setOpen] = createSignal<CatalogModel>();
  createEffect(() => (document.title = `${c("title")} · Shenbi`));
  const models = () => catalog.latest?.value?.models ?? [];
  const change = (part: Partial<Choice>) => setChoice((old) => ({ ...old, ...part }));
  const shown = createMemo(() => chosen(models(), choice()));
  const without = createMemo(() => chosen(models(), { ...choice(), kind: undefined }));
  const sortBy = (by: Column) => setOrder((old) => ({ by, up: old.by === by ? !old.up : true }));
  return (
    <main class="room page" aria-label={c("title")}>
      <div class="page-column catalog">
        <header class="page-head catalog-head">
          <h1>{c("title")}</h1>
          <Filters choice={choice()} change={change} />
        </header>
        <Suspense>
          <Show when={catalog.latest?.fault}>{(fault) => <p class="note" role="alert">{fault()}</p>}</Show>
          <Show when={catalog.latest?.value}>
            {(all) => (
              <>
                <div class="catalog-pictures">
                  <Matrix models={without()} kind={choice().kind} choose={(kind) => change({ kind })} />
                  <Scatter models={shown()} speeds={speeds.latest} show={setOpen} />
                </div>
                <p class="catalog-note" role="status">{c("shown", { n: shown().length, all: models().length, date: all().date })}</p>
                <Show when={shown().length} fallback={<p class="note">{c("none")}</p>}>
                  <Table models={shown()} speeds={speeds.latest} order={order()} sortBy={sortBy} show={setOpen} />
                </Show>
              </>
            )}
          </Show>
        </Suspense>
        <Show when={open()} keyed>
          {(model) => <Detail model={model} speeds={speeds.latest} find={(id) => models().find((one) => one.id === id)} show={setOpen} close={() => setOpen((now) => (now === model ? undefined : now))} />}
        </Show>
      </div>
    </main>
  );
}

const Filters = (props: { choice: Choice; change: (part: Partial<Choice>) => void }) => (
  <div class="catalog-filters">
    <label class="search">
      <IconSearch />
      <input type="text" placeholder={c("search")} aria-label={c("search")} onInput={(event) => props.change({ text: event.currentTarget.value })} />
    </label>
    <select class="field" aria-label={c("weights")} onChange={(event) => props.change({ open: event.currentTarget.value as Choice["open"] })}>
      <option value="">{`${c("weights")}: ${c("any")}`}</option>
      <option value="weights">{`${c("weights")}: ${c("open")}`}</option>
      <option value="closed">{`${c("weights")}: ${c("closed")}`}</option>
    </select>
    <label class="catalog-check">
      <input type="checkbox" onChange={(event) => props.change({ offered: event.currentTarget.checked })} /> {c("offered")}
    </label>
  </div>
);

interface TableProps {
  models: CatalogModel[];
  speeds: Map<string, number>;
  order: { by: Column; up: boolean };
  sortBy: (by: Column) => void;
  show: (model: CatalogModel) => void;
}

function Table(props: TableProps) {
  // What is not known comes last, whichever way it goes.
  const key = (model: CatalogModel): string | number | undefined => {
    const by = props.order.by;
    if (by === "model") return model.name;
    if (by === "in_out") return `${model.input.join()} ${model.output.join()}`;
    if (by === "weights") return model.open;
    if (by === "input" || by === "output") return cheapest(model, by);
    return by === "speed" ? speedOf(model, props.speeds) : model[by];
  };
  const sorted = createMemo(() =>
    [...props.models].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
      const way = props.order.up ? 1 : -1;
      return way * (typeof x === "string" ? x.localeCompare(String(y)) : x - Number(y));
    }),
  );
  return (
    <div class="scroll card" tabindex="0" role="region" aria-label={c("title")}>
      <table class="catalog-table">
        <thead>
          <tr>
            <For each={columns}>
              {(column) => (
                <th scope="col" classList={{ figure: column.figure }} aria-sort={props.order.by === column.id ? (props.order.up ? "ascending" : "descending") : undefined}>
                  <button type="button" onClick={() => props.sortBy(column.id)}>{c(column.id as CatalogWord)}</button>
                </th>
              )}
            </For>
          </tr>
        </thead>
        <tbody>
          <For each={sorted()}>
            {(model) => (
              <tr classList={{ faded: model.retired }}>
                <td>
                  <button type="button" class="text" onClick={() => props.show(model)}>{model.name}</button>
                </td>
                <td data-name={c("maker")}>{model.maker ?? "–"}</td>
                <td data-name={c("class")}>{said(model.class)}</td>
                <td data-name={c("in_out")}>{`${model.input.map(said).join(", ")} → ${model.output.map(said).join(", ")}`}</td>
                <td class="figure" data-name={c("context")}>{model.context ? short(model.context) : "–"}</td>
                <td class="figure" data-name={c("input")}>{dollars(cheapest(model, "input"))}</td>
                <td class="figure" data-name={c("output")}>{dollars(cheapest(model, "output"))}</td>
                <td class="figure" data-name={c("speed")}>{speedOf(model, props.speeds) === undefined ? "–" : Math.round(speedOf(model, props.speeds)!)}</td>
                <td data-name={c("weights")}>{isLocal(model) ? c("local") : model.open === "weights" ? c("open") : said(model.open)}</td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </div>
  );
}
