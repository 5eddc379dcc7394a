// Price across, context up, both by powers of ten; speed as size. Drawn as wide as there is room, in pixels, so that its words
// are as large on a phone as on a desk; the figures stand in the table. What costs nothing stands at the left edge.
import { createMemo, createSignal, For, onCleanup, onMount } from "solid-js";
import { cheapest, speedOf, type CatalogModel } from "./data";
import { dollars, short } from "./figures";
import { c } from "./words";

const [height, left, foot, head, right] = [300, 48, 40, 12, 14];
const least = 0.01; // dollars: free ones stand here

interface Dot {
  model: CatalogModel;
  price: number;
  context: number;
  speed: number | undefined;
}

const log = Math.log10;
const powers = (low: number, high: number) => Array.from({ length: Math.ceil(log(high)) - Math.floor(log(low)) + 1 }, (_, at) => 10 ** (Math.floor(log(low)) + at));

export function Scatter(props: { models: CatalogModel[]; speeds: Map<string, number>; show: (model: CatalogModel) => void }) {
  const dots = createMemo(() =>
    props.models.flatMap((model): Dot[] => {
      const price = cheapest(model, "output");
      return price === undefined || !model.context ? [] : [{ model, price: Math.max(price, least), context: model.context, speed: speedOf(model, props.speeds) }];
    }),
  );
  const range = (figure: (dot: Dot) => number, low: number, high: number) => {
    const all = dots().map(figure);
    return powers(Math.min(low, ...all), Math.max(high, ...all));
  };
  const prices = createMemo(() => range((dot) => dot.price, 0.1, 10));
  const contexts = createMemo(() => range((dot) => dot.context, 10_000, 1_000_000));
  const [width, setWidth] = createSignal(720);
  let svg!: SVGSVGElement;
  onMount(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.max(entry!.contentRect.width, 3 * left)));
    watch.observe(svg);
    onCleanup(() => watch.disconnect());
  });
  const part = (value: number, axis: number[]) => (log(value) - log(axis[0]!)) / (log(axis.at(-1)!) - log(axis[0]!));
  const x = (price: number) => left + (width() - left - right) * part(price, prices());
  const y = (context: number) => head + (height - head - foot) * (1 - part(context, contexts()));
  const radius = (speed: number | undefined) => (speed === undefined ? 4 : Math.min(12, 4 + 2.5 * log(1 + speed)));
  const title = (dot: Dot) =>
    [dot.model.name, `${dollars(cheapest(dot.model, "output"))} $/M`, short(dot.context), dot.speed === undefined ? "" : `${Math.round(dot.speed)} ${c("speed")}`].filter(Boolean).join(" · ");
  return (
    <section class="card catalog-card">
      <h2 class="catalog-title">{c("scatter")}</h2>
      <p class="catalog-note">{c("scatter_note", { n: dots().length })}</p>
      <svg ref={svg} class="catalog-scatter" viewBox={`0 0 ${width()} ${height}`} height={height} role="img" aria-label={c("scatter_label")}>
        <For each={contexts()}>
          {(value) => (
            <>
              <line x1={left} x2={width() - right} y1={y(value)} y2={y(value)} />
              <text x={left - 6} y={y(value) + 4} text-anchor="end">{short(value)}</text>
            </>
          )}
        </For>
        <For each={prices()}>
          {(value) => (
            <>
              <line x1={x(value)} x2={x(value)} y1={head} y2={height - foot} />
              <text x={x(value)} y={height - foot + 16} text-anchor="middle">{value <= least ? `≤${least}` : value}</text>
            </>
          )}
        </For>
        <text x={width() - right} y={height - 6} text-anchor="end">{c("price_axis")}</text>
        <text x={4} y={height - 6}>↑ {c("context_axis")}</text>
        <For each={dots()}>
          {(dot) => (
            <circle
              class="catalog-dot"
              classList={{ open: dot.model.open === "weights", measured: dot.speed !== undefined }}
              cx={x(dot.price)}
              cy={y(dot.context)}
              r={radius(dot.speed)}
              onClick={() => props.show(dot.model)}
            >
              <title>{title(dot)}</title>
            </circle>
          )}
        </For>
      </svg>
      <p class="catalog-legend">
        <span><i class="open" /> {c("open")}</span>
        <span><i /> {c("closed")}</span>
      </p>
    </section>
  );
}
