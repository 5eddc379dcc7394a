// Budgets: what may be spent, what is, and what was told. Set and changed in a dialog; whoever may not manage sees none of it.
import { createResource, createSignal, For, Show, Suspense } from "solid-js";
import { listKeys } from "../api/page";
import type { AccessKey } from "../api/types";
import { attempt } from "../ui/faults";
import "../ui/form.css";
import { count, moment, money } from "../ui/format";
import { IconNew } from "../ui/icons";
import { BudgetForm } from "./budget_form";
import { getBudgets, putBudget, removeBudget, type Alert, type Budget, type Unit, type Wanted } from "./budgets_data";
import { short } from "./figures";
import { u } from "./words";

export const amount = (value: number, unit: Unit) => (unit === "usd" ? money(value) : short(value));

export function BudgetsPart() {
  const [found, { refetch }] = createResource(() => Promise.all([getBudgets(), listKeys()]).catch(() => undefined));
  const [form, setForm] = createSignal<Budget | "new">();
  const keys = () => found.latest?.[1] ?? [];
  const save = async (wanted: Wanted, before: Budget | undefined) => {
    const done = await attempt(async () => {
      await putBudget(wanted, keys(), before?.from ?? "");
      return true;
    });
    if (!done) return;
    setForm(undefined);
    void refetch();
  };
  return (
    <Suspense>
      <Show when={found.latest}>
        {(all) => (
          <>
            <div class="budget-head">
              <h2 class="usage-title">{u("budgets")}</h2>
              <button type="button" class="button" onClick={() => setForm("new")}><IconNew /> {u("budget_new")}</button>
            </div>
            <section class="card usage-card" aria-label={u("budgets")}>
              <For each={all()[0].budgets} fallback={<p class="form-note">{u("budget_none")}</p>}>
                {(one) => <Line budget={one} keys={keys()} edit={() => setForm(one)} removed={() => void refetch()} />}
              </For>
              <For each={all()[0].alerts.slice(0, 5)}>{(one) => <Told alert={one} webhook={all()[0].webhook} />}</For>
            </section>
            <Show when={form()} keyed>
              {(one) => <BudgetForm budget={one === "new" ? undefined : one} keys={keys()} close={() => setForm((now) => (now === one ? undefined : now))} save={(wanted) => void save(wanted, one === "new" ? undefined : one)} />}
            </Show>
          </>
        )}
      </Show>
    </Suspense>
  );
}

function whoseName(budget: Budget, keys: AccessKey[]): string {
  if (budget.whose === "everybody") return u("everybody");
  if (budget.whose === "team") return u("team_of", { name: budget.subject });
  return u("key_of", { name: keys.find((key) => key.id === budget.subject)?.name ?? budget.subject });
}

function Line(props: { budget: Budget; keys: AccessKey[]; edit: () => void; removed: () => void }) {
  const [sure, setSure] = createSignal(false);
  const budget = () => props.budget;
  const part = (value: number) => Math.min(100, (100 * value) / budget().limit);
  const near = () => part(budget().spent) >= Math.min(80, ...budget().alerts);
  const remove = async () => {
    await attempt(() => removeBudget(budget().name));
    props.removed();
  };
  const notes = () =>
    [
      whoseName(budget(), props.keys),
      budget().reserved ? u("reserved", { n: amount(budget().reserved, budget().unit) }) : "",
      budget().resets ? u("resets", { time: moment(budget().resets!) }) : budget().from ? u("since", { day: budget().from }) : "",
      budget().refused ? u("refused", { n: count(budget().refused) }) : "",
      budget().unpriced_calls ? u("budget_unpriced", { n: count(budget().unpriced_calls) }) : "",
    ].filter(Boolean);
  return (
    <div class="budget-line">
      <div class="budget-figures">
        <b>{budget().name}</b>
        <span>{u(`per_${budget().period}`, { spent: amount(budget().spent, budget().unit), limit: amount(budget().limit, budget().unit) })}</span>
      </div>
      <div class="budget-bar" classList={{ near: near() }} role="meter" aria-label={budget().name} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(part(budget().spent))}>
        <i style={{ width: `${part(budget().spent)}%` }} />
        <i class="reserved" style={{ width: `${Math.min(part(budget().reserved), 100 - part(budget().spent))}%` }} />
      </div>
      <div class="budget-figures">
        <span class="form-note">{notes().join(" · ")}</span>
        <span class="budget-doing">
          <button type="button" class="button" aria-label={u("budget_edit", { name: budget().name })} onClick={props.edit}>{u("edit")}</button>
          <button type="button" class="button" classList={{ danger: sure() }} aria-label={u("budget_remove", { name: budget().name })} onBlur={() => setSure(false)} onClick={() => (sure() ? void remove() : setSure(true))}>
            {sure() ? u("sure") : u("remove")}
          </button>
        </span>
      </div>
    </div>
  );
}

const Told = (props: { alert: Alert; webhook: boolean }) => (
  <p class="form-note budget-told">
    {u("told", {
      name: props.alert.budget,
      percent: props.alert.percent,
      limit: amount(props.alert.limit, props.alert.unit),
      time: moment(props.alert.time),
    })}
    {props.alert.delivery === "waiting" ? ` ${u("webhook_waiting")}` : props.alert.delivery === "given up" ? ` ${u("webhook_failed")}` : ""}
  </p>
);
