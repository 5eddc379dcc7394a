// All that is known of one model, each figure with its source and its date.
import { For, Show, type JSX } from "solid-js";
import { Dialog } from "../ui/dialog";
import { count } from "../ui/format";
import { language } from "../words/words";
import { isLocal, speedOf, type CatalogModel, type Price } from "./data";
import { dollars } from "./figures";
import { c, said } from "./words";

interface Shown {
  model: CatalogModel;
  speeds: Map<string, number>;
  find: (id: string) => CatalogModel | undefined;
  show: (model: CatalogModel) => void;
  close: () => void;
}

export function Detail(props: Shown) {
  const model = () => props.model;
  const speed = () => speedOf(model(), props.speeds);
  const traits = () => [model().tools && c("tools"), model().thinking && c("thinking"), model().retired && c("retired"), model().ends && c("ends", { day: model().ends! })].filter(Boolean);
  const nearest = () => (model().nearest ? props.find(model().nearest!) : undefined);
  return (
    <Dialog label={c("details", { name: model().name })} class="catalog-detail" close={props.close}>
      <p>
        <code>{model().id}</code>
      </p>
      <Show when={traits().length}>
        <p class="catalog-note">{traits().join(" · ")}</p>
      </Show>
      <Show when={model().no_api}>
        <p class="note">{language() === "zh" ? (model().no_api_zh ?? model().no_api) : model().no_api}</p>
      </Show>
      <Show when={model().nearest}>
        <p>
          {c("nearest")}:{" "}
          <Show when={nearest()} fallback={<code>{model().nearest}</code>}>
            {(one) => <button type="button" class="text" onClick={() => props.show(one())}>{one().name}</button>}
          </Show>
        </p>
      </Show>
      <dl class="catalog-facts">
        <Fact name={c("maker")}>{model().maker ?? c("unknown")}</Fact>
        <Fact name={c("class")}>{said(model().class)}</Fact>
        <Fact name={c("level")}>{said(model().level)}</Fact>
        <Fact name={c("weights")}>{isLocal(model()) ? c("local") : model().open === "weights" ? c("open") : said(model().open)}</Fact>
        <Fact name={c("licence")}>{model().licence ?? c("unknown")}</Fact>
        <Fact name={c("in_out")}>{`${model().input.map(said).join(", ")} → ${model().output.map(said).join(", ")}`}</Fact>
        <Fact name={c("context")}>{model().context ? count(model().context!) : c("unknown")}</Fact>
        <Fact name={c("max_output")}>{model().max_output ? count(model().max_output!) : c("unknown")}</Fact>
        <Fact name={c("speed")}>{speed() === undefined ? c("unknown") : Math.round(speed()!)}</Fact>
      </dl>
      <Show when={model().source}>
        <p class="catalog-note">{c("context_source", { from: model().context_from ?? model().source!, date: model().date ?? "" })}</p>
      </Show>
      <h3 class="catalog-title">{c("prices")}</h3>
      <For each={model().prices ?? []} fallback={<p class="catalog-note">{c("no_price")}</p>}>{(price) => <PriceOf price={price} />}</For>
    </Dialog>
  );
}

const Fact = (props: { name: string; children: JSX.Element }) => (
  <div>
    <dt>{props.name}</dt>
    <dd>{props.children}</dd>
  </div>
);

function PriceOf(props: { price: Price }) {
  const price = () => props.price;
  const figures = (): [string, string][] =>
    [
      [c("input"), price().tokens?.input],
      [c("output"), price().tokens?.output],
      [c("cached"), price().tokens?.cache_read],
      [c("written"), price().tokens?.cache_write],
      [c("each"), price().image],
      [c("second"), price().second],
      [c("characters"), price().million_characters],
    ]
      .filter((one): one is [string, number] => one[1] !== undefined)
      .map(([name, value]) => [name, dollars(value)]);
  return (
    <section class="catalog-price">
      <p>
        <b>{price().house}</b> <span class="catalog-note">{price().models.join(", ")}</span>
      </p>
      <dl class="catalog-facts">
        <For each={figures()}>{([name, value]) => <Fact name={name}>{value}</Fact>}</For>
        <Show when={price().batch?.input !== undefined || price().batch?.output !== undefined}>
          <Fact name={c("batch")}>{`${dollars(price().batch?.input)} / ${dollars(price().batch?.output)}`}</Fact>
        </Show>
      </dl>
      <For each={price().over ?? []}>
        {(step) => <p class="catalog-note">{c("over", { n: count(step.above), input: dollars(step.input), output: dollars(step.output) })}</p>}
      </For>
      <p class="catalog-note">{`${c("source")}: ${[price().source, price().from, price().date].filter(Boolean).join(" · ") || c("unknown")}`}</p>
    </section>
  );
}
