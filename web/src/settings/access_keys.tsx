// The keys of the server, for whoever may manage it: made, shown once, revoked. Where there is none yet the server needs
// none; the first one may do everything and is kept by this browser, so that nobody locks himself out.
import { createSignal, For, onMount, Show } from "solid-js";
import { ApiError, key, setKey } from "../api/http";
import { createKey, listKeys, revokeKey } from "../api/page";
import type { AccessKey, NewAccessKey } from "../api/types";
import { config, refreshConfig } from "../state/server";
import { attempt } from "../ui/faults";
import { moment } from "../ui/format";
import { copyText } from "../ui/save";
import { t, type Word } from "../words/words";

const scopes: { name: string; word: Word }[] = [
  { name: "infer", word: "access.infer" },
  { name: "page", word: "access.page" },
  { name: "manage", word: "access.manage" },
];

export function AccessKeys() {
  const [keys, setKeys] = createSignal<AccessKey[]>();
  const [made, setMade] = createSignal<NewAccessKey>();
  const refresh = () => listKeys().then(setKeys, (error) => error instanceof ApiError && setKeys(undefined)); // not for this reader: not shown
  const create = async (name: string, wanted: string[]) => {
    const first = !config()?.needs_key;
    const next = await attempt(() => createKey({ name, scopes: first ? [] : wanted }));
    if (!next) return false;
    setMade(next);
    if (first && !key()) setKey(next.key);
    await Promise.all([refresh(), refreshConfig()]);
    return true;
  };
  onMount(() => void refresh());
  return (
    <Show when={keys()}>
      {(all) => (
        <section class="card settings access">
          <div class="setting">
            <div>
              <h2 class="setting-name">{t("access.title")}</h2>
              <div class="setting-note">{config()?.needs_key ? t("access.note") : `${t("access.note")} ${t("access.first")}`}</div>
            </div>
          </div>
          <Show when={made()}>{(one) => <Made made={one()} />}</Show>
          <For each={all()}>{(one) => <Row item={one} revoked={() => void refresh()} />}</For>
          <NewKey choosable={config()?.needs_key === true} create={create} />
        </section>
      )}
    </Show>
  );
}

const Made = (props: { made: NewAccessKey }) => (
  <div class="setting made" role="status">
    <div>
      <code class="key-text">{props.made.key}</code>
      <div class="setting-note">{t("access.made")}</div>
    </div>
    <button type="button" class="button" onClick={() => void copyText(props.made.key)}>{t("access.copy")}</button>
  </div>
);

function Row(props: { item: AccessKey; revoked: () => void }) {
  const [sure, setSure] = createSignal(false);
  const may = () => props.item.scopes.map((name) => scopes.find((one) => one.name === name)).map((one, at) => (one ? t(one.word) : props.item.scopes[at]));
  const revoke = async () => {
    await attempt(() => revokeKey(props.item.id));
    props.revoked();
  };
  return (
    <div class="setting" classList={{ revoked: props.item.revoked }}>
      <div class="key-line">
        <div dir="auto">{props.item.name}</div>
        <div class="setting-note">{[props.item.id, may().join(", ") || t("access.all"), moment(props.item.created)].join(" · ")}</div>
      </div>
      <Show when={!props.item.revoked} fallback={<span class="setting-note">{t("access.revoked")}</span>}>
        <button type="button" class="button" classList={{ danger: sure() }} onBlur={() => setSure(false)} onClick={() => (sure() ? void revoke() : setSure(true))}>
          {sure() ? t("access.sure") : t("access.revoke")}
        </button>
      </Show>
    </div>
  );
}

function NewKey(props: { choosable: boolean; create: (name: string, scopes: string[]) => Promise<boolean> }) {
  let form!: HTMLFormElement;
  const [name, setName] = createSignal("");
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const wanted = scopes.filter((one) => new FormData(form).has(one.name)).map((one) => one.name);
    if (await props.create(name().trim(), wanted)) {
      form.reset();
      setName("");
    }
  };
  return (
    <form ref={form} class="setting" onSubmit={(event) => void submit(event)}>
      <input class="field" maxlength="100" autocomplete="off" placeholder={t("access.name")} aria-label={t("access.name")} onInput={(event) => setName(event.currentTarget.value)} />
      <Show when={props.choosable}>
        <fieldset class="scopes">
          <legend class="out-of-sight">{t("access.may")}</legend>
          <For each={scopes}>
            {(scope) => (
              <label>
                <input type="checkbox" name={scope.name} checked={scope.name !== "manage"} /> {t(scope.word)}
              </label>
            )}
          </For>
        </fieldset>
      </Show>
      <button type="submit" class="button" disabled={!name().trim()}>{t("access.make")}</button>
    </form>
  );
}
