// A bar a day, in pieces: the largest few of what it is split by, and the rest together. Drawn as wide as there is room, in
// pixels, so that its words are as large on a phone as on a desk; the figures stand in the table below and in each bar's title.
import { createMemo, createSignal, For, onCleanup, onMount, Show } from "solid-js";
import { locale } from "../words/words";
import { measured, nameOf, type Measure, type Row, type Split } from "./data";
import { money } from "../ui/format";
import { short } from "./figures";
import { u } from "./words";

const [height, left, foot, head] = [220, 52, 22, 10];
const labelWidth = 80;
const most = 5; // pieces with a colour of their own

export const figure = (value: number, measure: Measure) => (measure === "cost" ? money(value) : short(value));

/** 1, 2 or 5 times a power of ten: what an axis ends at. */
function ceiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= value)!;
}

export function Chart(props: { days: string[]; rows: Row[]; split: Split; measure: Measure }) {
  const name = (row: Row) => nameOf(row, props.split, u("nobody"));
  const leaders = createMemo(() => {
    const totals = new Map<string, number>();
    for (const row of props.rows) totals.set(name(row), (totals.get(name(row)) ?? 0) + measured(row, props.measure));
    return [...totals].filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]).map(([one]) => one);
  });
  const shown = createMemo(() => [...leaders().slice(0, most), ...(leaders().length > most ? [u("rest")] : [])]);
  const bars = createMemo(() => {
    const place = new Map(leaders().map((one, at) => [one, Math.min(at, most)]));
    const days = new Map(props.days.map((day) => [day, new Array<number>(most + 1).fill(0)]));
    for (const row of props.rows) {
      const at = place.get(name(row));
      const pieces = days.get(row.day);
      if (at !== undefined && pieces) pieces[at]! += measured(row, props.measure);
    }
    return [...days].map(([day, pieces]) => ({ day, pieces, total: pieces.reduce((a, b) => a + b, 0) }));
  });
  const top = createMemo(() => ceiling(Math.max(...bars().map((bar) => bar.total))));
  const y = (value: number) => head + (height - head - foot) * (1 - value / top());
  const [width, setWidth] = createSignal(720);
  let svg!: SVGSVGElement;
  onMount(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.max(entry!.contentRect.width, 2 * left)));
    watch.observe(svg);
    onCleanup(() => watch.disconnect());
  });
  const step = () => (width() - left) / props.days.length;
  const label = (day: string) => new Date(`${day}T00:00:00Z`).toLocaleDateString(locale(), { month: "short", day: "numeric", timeZone: "UTC" });
  const everyNth = () => Math.ceil(labelWidth / step());
  return (
    <figure class="usage-chart">
      <svg ref={svg} viewBox={`0 0 ${width()} ${height}`} height={height} role="img" aria-label={u("chart", { what: u(props.measure) })}>
        <For each={[0, 0.5, 1]}>
          {(part) => (
            <>
              <line class="grid" x1={left} x2={width()} y1={y(top() * part)} y2={y(top() * part)} />
              <text x={left - 6} y={y(top() * part) + 4} text-anchor="end">{figure(top() * part, props.measure)}</text>
            </>
          )}
        </For>
        <For each={bars()}>
          {(bar, at) => (
            <g>
              <title>{`${label(bar.day)}: ${figure(bar.total, props.measure)}`}</title>
              <For each={bar.pieces}>
                {(value, piece) => (
                  <Show when={value > 0}>
                    <rect
                      class={`piece-${piece()}`}
                      x={left + step() * at() + step() * 0.12}
                      width={step() * 0.76}
                      y={y(bar.pieces.slice(0, piece() + 1).reduce((a, b) => a + b, 0))}
                      height={Math.max(y(0) - y(value), 0.5)}
                    />
                  </Show>
                )}
              </For>
              <Show when={at() % everyNth() === 0 && step() * (at() + 0.5) + labelWidth / 2 < width() - left + 8}>
                <text x={left + step() * (at() + 0.5)} y={height - 6} text-anchor="middle">{label(bar.day)}</text>
              </Show>
            </g>
          )}
        </For>
      </svg>
      <figcaption>
        <For each={shown()}>
          {(one, at) => (
            <span class="usage-key">
              <i class={`piece-${at()}`} />
              {one}
            </span>
          )}
        </For>
      </figcaption>
    </figure>
  );
}
