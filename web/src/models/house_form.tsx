// The dialog in which an account at another house is set.
import { createSignal, For, Show } from "solid-js";
import { Dialog } from "../ui/dialog";
import { FormField } from "../ui/form";
import { language } from "../words/words";
import type { Account, House, WantedAccount } from "./houses_data";
import { m } from "./words";

export const titleOf = (house: House): string => (language() === "zh" && house.title_zh) || house.title;

const words = (text: string): string[] => text.split(/[\s,，、]+/).filter(Boolean);

export function HouseForm(props: { houses: House[]; account: Account | undefined; close: () => void; save: (wanted: WantedAccount) => void }) {
  const before = props.account;
  const first = props.houses[0]!;
  const [wanted, setWanted] = createSignal<WantedAccount>(
    before ? { ...before, keys: undefined } : { name: first.name, house: first.name, base_url: "", settings: {}, models: [], priority: 0, weight: 1, enabled: true },
  );
  const [keys, setKeys] = createSignal("");
  const [fromVariable, setFromVariable] = createSignal(before?.keys.some((key) => key.startsWith("env:")) ?? false);
  const change = (part: Partial<WantedAccount>) => setWanted((old) => ({ ...old, ...part }));
  const house = () => props.houses.find((one) => one.name === wanted().house) ?? first;
  const choose = (name: string) => {
    change({ house: name, settings: {}, ...(before ? {} : { name }) });
    setFromVariable(false);
  };
  const variable = () => (wanted().base_url ? "" : house().key_variable);
  const whole = () =>
    wanted().name.trim() && (house().base_url || wanted().base_url.trim()) && house().settings.every((name) => wanted().settings[name]?.trim()) &&
    (!house().key_variable || before || fromVariable() || words(keys()).length > 0);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!whole()) return;
    const given = fromVariable() && variable() ? [`env:${variable()}`] : words(keys());
    const all = { ...wanted(), name: wanted().name.trim(), base_url: wanted().base_url.trim() };
    props.save(given.length || !before ? { ...all, keys: given } : { ...all, keys: undefined });
  };
  return (
    <Dialog label={before ? m("edit", { name: before.name }) : m("add")} close={props.close}>
      <form class="form" onSubmit={submit}>
        <FormField name={m("house")}>
          <select class="field" aria-label={m("house")} disabled={!!before} onChange={(event) => choose(event.currentTarget.value)}>
            <For each={props.houses}>{(one) => <option value={one.name} selected={one.name === wanted().house}>{titleOf(one)}</option>}</For>
          </select>
        </FormField>
        <FormField name={m("account")}>
          <input class="field" maxlength="64" autocomplete="off" spellcheck={false} disabled={!!before} value={wanted().name} onInput={(event) => change({ name: event.currentTarget.value.replace(/[\s/]/g, "-") })} />
        </FormField>
        <p class="form-note">
          {m("account_note", { name: wanted().name })}{" "}
          <Show when={house().key_page}>
            <a href={house().key_page} target="_blank" rel="noreferrer">{m("key_page")}</a>
          </Show>
        </p>
        <Show when={!fromVariable() || !variable()}>
          <FormField name={`${m("key")} (${m("keys_many")})`} wide>
            <input
              class="field"
              type="password"
              autocomplete="off"
              placeholder={before?.keys.length ? m("keys_kept", { keys: before.keys.join(" ") }) : undefined}
              aria-label={m("key")}
              onInput={(event) => setKeys(event.currentTarget.value)}
            />
          </FormField>
        </Show>
        <Show when={variable()}>
          <label class="form-check">
            <input type="checkbox" checked={fromVariable()} onChange={(event) => setFromVariable(event.currentTarget.checked)} /> {m("variable", { variable: variable() })}
          </label>
        </Show>
        <For each={house().settings}>
          {(name) => (
            <FormField name={name}>
              <input class="field" autocomplete="off" spellcheck={false} value={wanted().settings[name] ?? ""} onInput={(event) => change({ settings: { ...wanted().settings, [name]: event.currentTarget.value } })} />
            </FormField>
          )}
        </For>
        <FormField name={m("address")} wide>
          <input class="field" type="url" autocomplete="off" placeholder={house().base_url || "https://"} value={wanted().base_url} onInput={(event) => change({ base_url: event.currentTarget.value })} />
        </FormField>
        <Show when={wanted().base_url}>
          <p class="form-note">{m("address_note")}</p>
        </Show>
        <FormField name={m("models")} wide>
          <input class="field" autocomplete="off" spellcheck={false} value={wanted().models.join(" ")} onChange={(event) => change({ models: words(event.currentTarget.value) })} />
        </FormField>
        <p class="form-note">{m("models_note")}</p>
        <FormField name={m("priority")}>
          <input class="field" type="number" step="1" value={wanted().priority} onInput={(event) => change({ priority: Math.trunc(Number(event.currentTarget.value)) })} />
        </FormField>
        <FormField name={m("weight")}>
          <input class="field" type="number" min="0" step="any" value={wanted().weight} onInput={(event) => change({ weight: Number(event.currentTarget.value) })} />
        </FormField>
        <label class="form-check">
          <input type="checkbox" checked={wanted().enabled} onChange={(event) => change({ enabled: event.currentTarget.checked })} /> {m("enabled")}
        </label>
        <button type="submit" class="button primary" disabled={!whole()}>{m("save")}</button>
      </form>
    </Dialog>
  );
}
