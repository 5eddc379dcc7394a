// What was called and what it cost: cards, a chart by day, sums in a table, and the latest calls.
import "./usage.css";
import { createEffect, createMemo, createResource, createSignal, For, Show, Suspense } from "solid-js";
import { ApiError } from "../api/http";
import { attempt, faultText } from "../ui/faults";
import { count, moment, money, rate, seconds } from "../ui/format";
import { IconDownload } from "../ui/icons";
import { Mark } from "../ui/mark";
import { saveFile } from "../ui/save";
import { BudgetsPart } from "./budgets";
import { Chart } from "./chart";
import { added, getCalls, getUsage, lastDays, measured, nameOf, usageFile, type Call, type Measure, type Row, type Split, type Sum } from "./data";
import { short } from "./figures";
import { u, type UsageWord } from "./words";

const splits: Split[] = ["model", "key", "upstream"];
const measures: Measure[] = ["cost", "tokens", "calls"];

export default function UsageRoom() {
  const [range, setRange] = createSignal(30);
  const [split, setSplit] = createSignal<Split>("model");
  const [measure, setMeasure] = createSignal<Measure>("tokens");
  const days = createMemo(() => lastDays(range()));
  const told = <T,>(work: Promise<T>) => work.then((value) => ({ value, fault: "" }), (error: unknown) => ({ value: undefined, fault: said(error) }));
  const [usage] = createResource(() => ({ days: days(), split: split() }), (asked) => told(getUsage(asked.days, asked.split)));
  const [calls] = createResource(days, (asked) => told(getCalls(asked)));
  createEffect(() => (document.title = `${u("title")} · Shenbi`));
  const save = (format: "csv" | "json") => attempt(async () => saveFile(`usage-${days()[0]}.${format}`, await usageFile(days(), split(), format)));
  return (
    <main class="room page" aria-label={u("title")}>
      <div class="page-column">
        <header class="page-head usage-head">
          <h1>{u("title")}</h1>
          <div class="usage-choices">
            <Choice name={u("range")} value={String(range())} set={(value) => setRange(Number(value))} options={[7, 30, 90, 365].map((n) => [String(n), u("days", { n })])} />
            <Choice name={u("split")} value={split()} set={(value) => setSplit(value as Split)} options={splits.map((one) => [one, u(one)])} />
            <Choice name={u("measure")} value={measure()} set={(value) => setMeasure(value as Measure)} options={measures.map((one) => [one, u(one)])} />
          </div>
        </header>
        <Suspense>
          <Show when={usage.latest?.fault}>{(fault) => <p class="note" role="alert">{fault()}</p>}</Show>
          <Show when={usage.latest?.value}>
            {(all) => (
              <Show when={all().total.calls} fallback={<Empty />}>
                <Cards total={all().total} lost={all().lost} />
                <section class="card usage-card">
                  <Chart days={days()} rows={all().rows} split={split()} measure={measure()} />
                </section>
                <section class="card usage-card">
                  <Sums rows={all().rows} split={split()} measure={measure()} />
                  <div class="usage-save">
                    <button type="button" class="button" onClick={() => void save("csv")}><IconDownload /> {u("csv")}</button>
                    <button type="button" class="button" onClick={() => void save("json")}><IconDownload /> {u("json")}</button>
                  </div>
                </section>
                <Show when={calls.latest?.fault}>{(fault) => <p class="note" role="alert">{fault()}</p>}</Show>
                <Show when={calls.latest?.value?.length}>
                  <h2 class="usage-title">{u("recent")}</h2>
                  <section class="card usage-card">
                    <Calls calls={calls.latest!.value!} />
                  </section>
                </Show>
              </Show>
            )}
          </Show>
        </Suspense>
        <BudgetsPart />
      </div>
    </main>
  );
}

const said = (error: unknown): string => (error instanceof ApiError && error.status === 403 ? u("forbidden") : faultText(error));

const Choice = (props: { name: string; value: string; set: (value: string) => void; options: [string, string][] }) => (
  <label class="usage-choice">
    <span aria-hidden="true">{props.name}</span>
    <select class="field" aria-label={props.name} onChange={(event) => props.set(event.currentTarget.value)}>
      <For each={props.options}>{([value, text]) => <option value={value} selected={value === props.value}>{text}</option>}</For>
    </select>
  </label>
);

const Empty = () => (
  <div class="empty">
    <Mark />
    <p class="empty-line">{u("none")}</p>
  </div>
);

const Cards = (props: { total: Sum; lost: number }) => (
  <>
    <div class="usage-cards">
      <Card name={u("cost")} value={money(props.total.cost_nano_usd)} />
      <Card name={u("calls")} value={count(props.total.calls)} note={props.total.failed ? u("failed", { n: count(props.total.failed) }) : ""} />
      <Card name={u("prompt")} value={short(props.total.prompt_tokens)} note={props.total.cached_tokens ? u("cached", { n: short(props.total.cached_tokens) }) : ""} />
      <Card name={u("completion")} value={short(props.total.completion_tokens)} note={props.total.reasoning_tokens ? u("thinking", { n: short(props.total.reasoning_tokens) }) : ""} />
    </div>
    <Show when={props.total.unpriced}>
      <p class="note">{u("unpriced", { n: count(props.total.unpriced) })}</p>
    </Show>
    <Show when={props.lost}>
      <p class="note">{u("lost", { n: count(props.lost) })}</p>
    </Show>
  </>
);

const Card = (props: { name: string; value: string; note?: string }) => (
  <div class="card usage-figure">
    <span>{props.name}</span>
    <b>{props.value}</b>
    <small>{props.note}</small>
  </div>
);

function Sums(props: { rows: Row[]; split: Split; measure: Measure }) {
  const lines = createMemo(() => {
    const groups = new Map<string, Row[]>();
    for (const row of props.rows) {
      const name = nameOf(row, props.split, u("nobody"));
      groups.set(name, [...(groups.get(name) ?? []), row]);
    }
    return [...groups].map(([name, rows]) => ({ name, sum: added(rows) })).sort((a, b) => measured(b.sum, props.measure) - measured(a.sum, props.measure));
  });
  return (
    <div class="scroll" tabindex="0" role="region" aria-label={u(props.split)}>
      <table class="usage-table">
        <Heads words={[props.split, "calls", "prompt", "completion", "cost"]} />
        <tbody>
          <For each={lines()}>
            {(line) => (
              <tr>
                <td>{line.name}</td>
                <td>{count(line.sum.calls)}</td>
                <td>{count(line.sum.prompt_tokens)}</td>
                <td>{count(line.sum.completion_tokens)}</td>
                <td>{line.sum.calls > 0 && line.sum.unpriced === line.sum.calls ? u("unknown") : money(line.sum.cost_nano_usd)}</td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </div>
  );
}

const Heads = (props: { words: UsageWord[] }) => (
  <thead>
    <tr>
      <For each={props.words}>{(word) => <th scope="col">{u(word)}</th>}</For>
    </tr>
  </thead>
);

const Calls = (props: { calls: Call[] }) => (
  <div class="scroll" tabindex="0" role="region" aria-label={u("recent")}>
    <table class="usage-table usage-calls">
      <Heads words={["time", "model", "upstream", "prompt", "completion", "cost", "first", "speed", "outcome"]} />
      <tbody>
        <For each={props.calls}>
          {(one) => (
            <tr title={one.error || one.raw_usage}>
              <td>{moment(one.time)}</td>
              <td>{one.model}</td>
              <td>{one.upstream}</td>
              <td>{count(one.prompt_tokens)}</td>
              <td>{count(one.completion_tokens)}</td>
              <td>{one.cost_nano_usd === null ? u("unknown") : money(one.cost_nano_usd)}</td>
              <td>{one.first_token_s === null ? "–" : seconds(one.first_token_s)}</td>
              <td>{one.tokens_per_s === null ? "–" : rate(one.tokens_per_s)}</td>
              <td classList={{ "usage-failed": one.outcome === "failed" }}>{one.cached_answer ? u("again") : one.outcome === "failed" ? u("broke") : u(one.outcome)}</td>
            </tr>
          )}
        </For>
      </tbody>
    </table>
  </div>
);
