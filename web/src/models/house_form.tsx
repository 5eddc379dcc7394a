// The dialog in which an account at another house is set.
import { createSignal, For, Show } from "solid-js";
import { Dialog } from "../ui/dialog";
import { FormField } from "../ui/form";
import { language } from "../words/words";
import type { Account, AccountField, House, WantedAccount } from "./houses_data";
import { m } from "./words";

export const titleOf = (house: House): string => (language() === "zh" && house.title_zh) || house.title;

const nameOf = (field: AccountField): string => (language() === "zh" && field.title_zh) || field.title;

const words = (text: string): string[] => text.split(/[\s,，、]+/).filter(Boolean);

export function HouseForm(props: { houses: House[]; account: Account | undefined; close: () => void; save: (wanted: WantedAccount) => void }) {
  const before = props.account;
  const first = props.houses[0]!;
  const [wanted, setWanted] = createSignal<WantedAccount>(
    before ? { ...before, keys: undefined } : { name: first.name, house: first.name, base_url: "", settings: {}, models: [], priority: 0, weight: 1, enabled: true, personal_data: "", private_words: [] },
  );
  const [keys, setKeys] = createSignal("");
  const [parts, setParts] = createSignal<Record<string, string>>({}); // of a key that is made of several
  const [fromVariable, setFromVariable] = createSignal(before?.keys.some((key) => key.startsWith("env:")) ?? false);
  const change = (part: Partial<WantedAccount>) => setWanted((old) => ({ ...old, ...part }));
  const house = () => props.houses.find((one) => one.name === wanted().house) ?? first;
  const choose = (name: string) => {
    change({ house: name, settings: {}, ...(before ? {} : { name }) });
    setFromVariable(false);
    setParts({});
  };
  const keyParts = () => house().fields.filter((field) => field.kind === "key");
  const settings = () => house().fields.filter((field) => field.kind === "setting");
  const givenKeys = (): string[] => {
    if (!keyParts().length) return words(keys());
    const given = keyParts().map((field) => parts()[field.name]?.trim() ?? "");
    return given.every(Boolean) ? [given.join(":")] : [];
  };
  const variable = () => (wanted().base_url ? "" : house().key_variable);
  const whole = () =>
    wanted().name.trim() && (house().base_url || wanted().base_url.trim()) && settings().every((field) => !field.required || wanted().settings[field.name]?.trim()) &&
    (!house().key_variable || before || fromVariable() || givenKeys().length > 0);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!whole()) return;
    const given = fromVariable() && variable() ? [`env:${variable()}`] : givenKeys();
    const said = Object.fromEntries(Object.entries(wanted().settings).filter(([, value]) => value.trim()));
    const all = { ...wanted(), settings: said, name: wanted().name.trim(), base_url: wanted().base_url.trim() };
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
        <Show when={(!fromVariable() || !variable()) && keyParts().length}>
          <For each={keyParts()}>
            {(field) => (
              <FormField name={nameOf(field)}>
                <input
                  class="field"
                  type="password"
                  autocomplete="off"
                  placeholder={before?.keys.length ? m("keys_kept", { keys: before.keys.join(" ") }) : undefined}
                  aria-label={nameOf(field)}
                  onInput={(event) => setParts((old) => ({ ...old, [field.name]: event.currentTarget.value }))}
                />
              </FormField>
            )}
          </For>
        </Show>
        <Show when={(!fromVariable() || !variable()) && !keyParts().length}>
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
        <For each={settings()}>
          {(field) => (
            <FormField name={field.required ? nameOf(field) : `${nameOf(field)} (${m("optional")})`}>
              <input class="field" autocomplete="off" spellcheck={false} aria-label={nameOf(field)} value={wanted().settings[field.name] ?? ""} onInput={(event) => change({ settings: { ...wanted().settings, [field.name]: event.currentTarget.value } })} />
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
        <FormField name={m("personal")}>
          <select class="field" aria-label={m("personal")} onChange={(event) => change({ personal_data: event.currentTarget.value as Account["personal_data"] })}>
            <For each={["", "send", "mask", "block"] as const}>{(one) => <option value={one} selected={one === wanted().personal_data}>{m(`personal_${one || "default"}`)}</option>}</For>
          </select>
        </FormField>
        <FormField name={m("private_words")}>
          <input class="field" autocomplete="off" value={wanted().private_words.join(", ")} onChange={(event) => change({ private_words: event.currentTarget.value.split(/[,，、]/).map((word) => word.trim()).filter(Boolean) })} />
        </FormField>
        <p class="form-note">{m("personal_note")}</p>
        <label class="form-check">
          <input type="checkbox" checked={wanted().enabled} onChange={(event) => change({ enabled: event.currentTarget.checked })} /> {m("enabled")}
        </label>
        <button type="submit" class="button primary" disabled={!whole()}>{m("save")}</button>
      </form>
    </Dialog>
  );
}
