// Ratings with their intervals, drawn and written.
import { createMemo, createResource, createSignal, For, Show, Suspense, type JSX } from "solid-js";
import { attempt, faultText } from "../ui/faults";
import { count } from "../ui/format";
import { IconDownload } from "../ui/icons";
import { Mark } from "../ui/mark";
import { saveFile } from "../ui/save";
import { getBoard, votesFile, type Asked, type Board, type Row } from "./data";
import { a, type ArenaWord } from "./words";

const round = (n: number): string => count(Math.round(n));
const kinds = ["zh", "en", "code", "math", "long"] as const;

export function Leaderboard() {
  const [asked, setAsked] = createSignal<Asked>({ category: "", by: "people", style: false });
  const [board] = createResource(asked, (what) => getBoard(what).then((value) => ({ value, fault: "" }), (error: unknown) => ({ value: undefined, fault: faultText(error) })));
  const change = (part: Partial<Asked>) => setAsked({ ...asked(), ...part });
  const save = (format: "csv" | "json") => attempt(async () => saveFile(`votes.${format}`, await votesFile(format)));
  return (
    <div class="arena-page">
      <div class="arena-choices">
        <Choice name={a("category")} set={(value) => change({ category: value })} options={[["", a("all")], ...kinds.map((one): [string, string] => [one, a(one)])]} />
        <Choice name={a("by")} set={(value) => change({ by: value as Asked["by"] })} options={[["people", a("people")], ["judges", a("judges")]]} />
        <label class="arena-pick">
          <input type="checkbox" checked={asked().style} onChange={(event) => change({ style: event.currentTarget.checked })} /> {a("style")}
        </label>
      </div>
      <Suspense>
        <Show when={board.latest?.fault}>{(fault) => <p class="note" role="alert">{fault()}</p>}</Show>
        <Show when={board.latest?.value}>
          {(all) => (
            <Show when={all().models.length} fallback={<Empty />}>
              <Show when={!all().connected}><p class="note">{a("parts")}</p></Show>
              <Table board={all()} />
              <p class="quiet-line">{a("counted", { n: count(all().votes), m: count(all().counted) })} · {a("side_worth", { n: `${round(all().side.value)} (${round(all().side.low)} … ${round(all().side.high)})` })}</p>
              <Show when={all().style.length}><Style board={all()} /></Show>
            </Show>
          )}
        </Show>
        <Show when={board.latest?.value?.judges.length}><Judges board={board.latest!.value!} /></Show>
      </Suspense>
      <div class="arena-choices">
        <button type="button" class="button" onClick={() => void save("csv")}><IconDownload /> {a("csv")}</button>
        <button type="button" class="button" onClick={() => void save("json")}><IconDownload /> {a("json")}</button>
      </div>
    </div>
  );
}

const Empty = () => (
  <div class="empty">
    <Mark />
    <p class="empty-line">{a("none")}</p>
  </div>
);

const Choice = (props: { name: string; set: (value: string) => void; options: [string, string][] }) => (
  <label class="arena-pick">
    <span aria-hidden="true">{props.name}</span>
    <select class="field" aria-label={props.name} onChange={(event) => props.set(event.currentTarget.value)}>
      <For each={props.options}>{([value, text]) => <option value={value}>{text}</option>}</For>
    </select>
  </label>
);

const Sheet = (props: { name: string; heads: ArenaWord[]; children: JSX.Element }) => (
  <div class="scroll card" tabindex="0" role="region" aria-label={props.name}>
    <table class="arena-table">
      <thead>
        <tr><For each={props.heads}>{(word) => <th scope="col">{a(word)}</th>}</For></tr>
      </thead>
      <tbody>{props.children}</tbody>
    </table>
  </div>
);

function Table(props: { board: Board }) {
  const range = createMemo(() => {
    const all = props.board.models.flatMap(({ rating }) => [rating.low, rating.high]);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    return { low, wide: Math.max(high - low, 1) };
  });
  return (
    <Sheet name={a("leaderboard")} heads={["rank", "model", "rating", "interval", "wins", "losses", "ties", "both_bad"]}>
      <For each={props.board.models}>
        {(row) => (
          <tr>
            <td>{row.rank}</td>
            <td>{row.model}</td>
            <td>{round(row.rating.value)}</td>
            <td><Interval row={row} low={range().low} wide={range().wide} /></td>
            <td>{count(row.wins)}</td>
            <td>{count(row.losses)}</td>
            <td>{count(row.ties)}</td>
            <td>{count(row.both_bad)}</td>
          </tr>
        )}
      </For>
    </Sheet>
  );
}

function Interval(props: { row: Row; low: number; wide: number }) {
  const at = (points: number) => 4 + (112 * (points - props.low)) / props.wide;
  return (
    <span class="arena-interval">
      <svg viewBox="0 0 120 16" aria-hidden="true">
        <line x1={at(props.row.rating.low)} x2={at(props.row.rating.high)} y1="8" y2="8" />
        <circle cx={at(props.row.rating.value)} cy="8" r="4" />
      </svg>
      {round(props.row.rating.low)} … {round(props.row.rating.high)}
    </span>
  );
}

const Style = (props: { board: Board }) => (
  <section class="arena-style" aria-label={a("styleTitle")}>
    <h2>{a("styleTitle")}</h2>
    <For each={props.board.style}>
      {({ name, points }) => <p class="quiet-line">{a(name)}: {a("points", { n: `${round(points.value)} (${round(points.low)} … ${round(points.high)})` })}</p>}
    </For>
  </section>
);

const Judges = (props: { board: Board }) => (
  <Sheet name={a("judgesTitle")} heads={["judge", "verdicts", "waveringCount", "agreement"]}>
    <For each={props.board.judges}>
      {(one) => (
        <tr>
          <td>{one.judge}</td>
          <td>{count(one.verdicts)}</td>
          <td>{count(one.wavering)}</td>
          <td>{one.compared ? `${one.agreed}/${one.compared}` : "–"}</td>
        </tr>
      )}
    </For>
  </Sheet>
);
