// One battle: a question, two answers without names, the vote, and then the names.
import { createSignal, For, lazy, onCleanup, Show, Suspense } from "solid-js";
import { createStore } from "solid-js/store";
import { growing } from "../chat/growing";
import { sendsMessage } from "../chat/send_key";
import { params } from "../state/preferences";
import { currentModel, models } from "../state/server";
import { attempt, faultText } from "../ui/faults";
import { count, rate, seconds } from "../ui/format";
import { IconSend, IconStop } from "../ui/icons";
import { Mark } from "../ui/mark";
import { fight, judge, vote, winners, type Figures, type Judged, type Side, type Winner } from "./data";
import { a } from "./words";

const Prose = lazy(() => import("../markdown/prose"));
const sides: Side[] = ["a", "b"];

interface Battle {
  id: string;
  question: string;
  texts: Record<Side, string>;
  state: "none" | "running" | "votable" | "failed" | "voted";
  fault: string;
  winner?: Winner;
  names?: Record<Side, Figures>;
  judged?: Judged;
}
const blank = (): Battle => ({ id: "", question: "", texts: { a: "", b: "" }, state: "none", fault: "", winner: undefined, names: undefined, judged: undefined });

export function BattleView() {
  const [battle, set] = createStore(blank());
  let leave = new AbortController();
  onCleanup(() => leave.abort());

  const start = async (question: string) => {
    leave.abort();
    const mine = (leave = new AbortController());
    set({ ...blank(), question, state: "running" });
    try {
      const votable = await fight(
        question,
        params().max_tokens,
        { opened: (id) => set("id", id), grew: (side, text) => set("texts", side, (old) => old + text) },
        mine.signal,
      );
      set("state", votable ? "votable" : "failed");
    } catch (error) {
      if (leave !== mine) return;
      set({ state: "failed", fault: mine.signal.aborted ? "" : faultText(error) });
    }
  };
  const choose = (winner: Winner) => attempt(async () => set({ names: await vote(battle.id, winner), winner, state: "voted" }));
  return (
    <>
      <div class="arena-page">
        <Show when={battle.state !== "none"} fallback={<Empty />}>
          <h2 class="arena-question" dir="auto">{battle.question}</h2>
          <div class="arena-sides" aria-busy={battle.state === "running"}>
            <For each={sides}>{(side) => <Answer battle={battle} side={side} />}</For>
          </div>
          <Show when={battle.state === "votable"}>
            <section class="arena-vote" aria-label={a("vote")}>
              <h2>{a("vote")}</h2>
              <div class="arena-buttons">
                <For each={winners}>{(winner) => <button type="button" class="button" onClick={() => void choose(winner)}>{a(winner)}</button>}</For>
              </div>
            </section>
          </Show>
          <Show when={battle.state === "failed"}><p class="note" role="alert">{battle.fault || a("failed")}</p></Show>
          <Show when={battle.state === "voted"}><Judging battle={battle} told={(judged) => set("judged", judged)} /></Show>
        </Show>
      </div>
      <Asking running={battle.state === "running"} start={(text) => void start(text)} stop={() => leave.abort()} />
    </>
  );
}

const few = () => models().filter((model) => model.chat).length < 2;

const Empty = () => (
  <div class="empty">
    <Mark />
    <p class="empty-line">{a(few() ? "few" : "empty")}</p>
  </div>
);

const Answer = (props: { battle: Battle; side: Side }) => (
  <article class="card arena-side" classList={{ won: props.battle.winner === props.side }} aria-label={a("side", { side: props.side.toUpperCase() })}>
    <h3 class="arena-name">
      {a("side", { side: props.side.toUpperCase() })}
      <Show when={props.battle.names}>{(names) => <b class="arena-model">{names()[props.side].model}</b>}</Show>
    </h3>
    <div dir="auto">
      <Show when={props.battle.texts[props.side]} fallback={<Show when={props.battle.state === "running"}><p class="quiet-line">{a("waiting")}</p></Show>}>
        <Suspense fallback={<p>{props.battle.texts[props.side]}</p>}>
          <Prose text={props.battle.texts[props.side]} finished={props.battle.state !== "running"} />
        </Suspense>
      </Show>
    </div>
    <Show when={props.battle.names}>{(names) => <p class="arena-figures">{figuresOf(names()[props.side])}</p>}</Show>
  </article>
);

const figuresOf = ({ usage, first_token_s, tokens_per_s, seconds: all, cost_nano_usd }: Figures): string =>
  [
    a("tokens", { n: count(usage.completion_tokens) }),
    first_token_s === null ? "" : seconds(first_token_s),
    tokens_per_s === null ? "" : `${rate(tokens_per_s)}/s`,
    seconds(all),
    cost_nano_usd === null ? a("unknown") : cost_nano_usd === 0 ? a("free") : `$${(cost_nano_usd / 1e9).toPrecision(2)}`,
  ]
    .filter(Boolean)
    .join(" · ");

function Judging(props: { battle: Battle; told: (judged: Judged) => void }) {
  const [model, setModel] = createSignal(currentModel()?.id ?? "");
  const [busy, setBusy] = createSignal(false);
  const run = async () => {
    setBusy(true);
    await attempt(async () => props.told(await judge(props.battle.id, model())));
    setBusy(false);
  };
  return (
    <section class="arena-judge" aria-label={a("judge")} aria-busy={busy()}>
      <label class="arena-pick">
        <span aria-hidden="true">{a("judge")}</span>
        <select class="field" aria-label={a("judge")} onChange={(event) => setModel(event.currentTarget.value)}>
          <For each={models()}>{(one) => <option value={one.id} selected={one.id === model()}>{one.id}</option>}</For>
        </select>
      </label>
      <button type="button" class="button" disabled={busy() || !model()} onClick={() => void run()}>{a("askJudge")}</button>
      <Show when={props.battle.judged}>
        {(judged) => (
          <p class="arena-verdict">
            {judged().verdict ? a("verdict", { judge: judged().judge, verdict: a(judged().verdict!) }) : a("wavering", { judge: judged().judge })}
            <Show when={judged().own}> {a("own")}</Show>
          </p>
        )}
      </Show>
    </section>
  );
}

function Asking(props: { running: boolean; start: (text: string) => void; stop: () => void }) {
  let field!: HTMLTextAreaElement;
  const [text, setText] = createSignal("");
  const ready = () => text().trim() !== "" && !props.running && !few();
  const send = () => {
    if (!ready()) return;
    props.start(text());
    field.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  return (
    <form class="arena-asking" onSubmit={(event) => (event.preventDefault(), send())}>
      <textarea
        ref={(node) => growing((field = node))}
        class="field"
        rows="1"
        dir="auto"
        placeholder={a("placeholder")}
        aria-label={a("question")}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => sendsMessage(event) && (event.preventDefault(), send())}
      />
      <Show when={props.running} fallback={<button type="submit" class="button primary" disabled={!ready()}><IconSend /> {a("send")}</button>}>
        <button type="button" class="button" onClick={props.stop}><IconStop /> {a("stop")}</button>
      </Show>
    </form>
  );
}
