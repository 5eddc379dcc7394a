// The dialog in which a budget is set.
import { createSignal, For, Show } from "solid-js";
import type { AccessKey } from "../api/types";
import { Dialog } from "../ui/dialog";
import { FormField } from "../ui/form";
import type { Budget, Period, Unit, Wanted, Whose } from "./budgets_data";
import { u } from "./words";

const usual: Wanted = { name: "", whose: "everybody", subject: "", unit: "usd", amount: 0, period: "month", alerts: [80, 100], unpriced: false, members: [] };

const percents = (text: string): number[] => [...text.matchAll(/\d+/g)].map(([digits]) => Number(digits)).filter((n) => n >= 1 && n <= 100);

export function BudgetForm(props: { budget: Budget | undefined; keys: AccessKey[]; close: () => void; save: (wanted: Wanted) => void }) {
  const before = props.budget;
  const inTeam = (team: string) => props.keys.filter((key) => team && key.team === team && !key.revoked).map((key) => key.id);
  const [wanted, setWanted] = createSignal<Wanted>(
    before
      ? { ...before, amount: before.unit === "usd" ? before.limit / 1e9 : before.limit, members: before.whose === "team" ? inTeam(before.subject) : [] }
      : { ...usual },
  );
  const change = (part: Partial<Wanted>) => setWanted((old) => ({ ...old, ...part }));
  const living = () => props.keys.filter((key) => !key.revoked);
  const setWhose = (whose: Whose) => change({ whose, subject: whose === "key" ? (living()[0]?.id ?? "") : "", members: [] });
  const setMember = (id: string, wants: boolean) => change({ members: wants ? [...wanted().members, id] : wanted().members.filter((one) => one !== id) });
  const whole = () => wanted().name.trim() && wanted().amount > 0 && (wanted().whose === "everybody" || wanted().subject.trim());
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (whole()) props.save({ ...wanted(), name: wanted().name.trim(), subject: wanted().subject.trim() });
  };
  return (
    <Dialog label={before ? u("budget_edit", { name: before.name }) : u("budget_new")} close={props.close}>
      <form class="form" onSubmit={submit}>
        <FormField name={u("budget_name")}>
          <input class="field" maxlength="64" autocomplete="off" disabled={!!before} value={wanted().name} onInput={(event) => change({ name: event.currentTarget.value.replace(/[\s/]/g, "-") })} />
        </FormField>
        <FormField name={u("whose")}>
          <select class="field" aria-label={u("whose")} onChange={(event) => setWhose(event.currentTarget.value as Whose)}>
            <For each={["everybody", "team", "key"] as Whose[]}>{(one) => <option value={one} selected={wanted().whose === one} disabled={one === "key" && !living().length}>{u(`whose_${one}`)}</option>}</For>
          </select>
        </FormField>
        <Show when={wanted().whose === "key"}>
          <FormField name={u("key")}>
            <select class="field" aria-label={u("key")} onChange={(event) => change({ subject: event.currentTarget.value })}>
              <For each={living()}>{(key) => <option value={key.id} selected={wanted().subject === key.id}>{key.name}</option>}</For>
            </select>
          </FormField>
        </Show>
        <Show when={wanted().whose === "team"}>
          <FormField name={u("team")}>
            <input class="field" maxlength="64" autocomplete="off" value={wanted().subject} onChange={(event) => change({ subject: event.currentTarget.value.replace(/[\s/]/g, "-"), members: inTeam(event.currentTarget.value) })} />
          </FormField>
          <fieldset class="form-list">
            <legend>{u("members")}</legend>
            <For each={living()} fallback={<span class="form-note">{u("no_keys")}</span>}>
              {(key) => (
                <label>
                  <input type="checkbox" checked={wanted().members.includes(key.id)} onChange={(event) => setMember(key.id, event.currentTarget.checked)} /> {key.name}
                </label>
              )}
            </For>
          </fieldset>
        </Show>
        <FormField name={u("amount")}>
          <input class="field" type="number" min="0" step="any" required value={wanted().amount || ""} onInput={(event) => change({ amount: Number(event.currentTarget.value) })} />
        </FormField>
        <FormField name={u("unit")}>
          <select class="field" aria-label={u("unit")} onChange={(event) => change({ unit: event.currentTarget.value as Unit })}>
            <For each={["usd", "tokens"] as Unit[]}>{(one) => <option value={one} selected={wanted().unit === one}>{u(`unit_${one}`)}</option>}</For>
          </select>
        </FormField>
        <FormField name={u("period")}>
          <select class="field" aria-label={u("period")} onChange={(event) => change({ period: event.currentTarget.value as Period })}>
            <For each={["day", "month", "total"] as Period[]}>{(one) => <option value={one} selected={wanted().period === one}>{u(`period_${one}`)}</option>}</For>
          </select>
        </FormField>
        <FormField name={u("marks")}>
          <input class="field" autocomplete="off" value={wanted().alerts.join(", ")} onChange={(event) => change({ alerts: percents(event.currentTarget.value) })} />
        </FormField>
        <Show when={wanted().unit === "usd"}>
          <label class="form-check">
            <input type="checkbox" checked={wanted().unpriced} onChange={(event) => change({ unpriced: event.currentTarget.checked })} /> {u("let_unpriced")}
          </label>
        </Show>
        <p class="form-note">{u("budget_note")}</p>
        <button type="submit" class="button primary" disabled={!whole()}>{u("save")}</button>
      </form>
    </Dialog>
  );
}
