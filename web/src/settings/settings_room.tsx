// What the reader prefers, the key, and everything in and out.
import "./settings.css";
import { createSignal, For, onMount, Show, type JSX } from "solid-js";
import { exportAll, importText } from "../api/page";
import { key, setKey } from "../api/http";
import type { ImportReport } from "../api/types";
import { refreshHistory } from "../chat/history";
import { sendKey, setSendKey, setTheme, theme } from "../state/preferences";
import { config, refreshConfig } from "../state/server";
import { attempt } from "../ui/faults";
import { modLabel } from "../ui/keys";
import { setTop } from "../ui/layers";
import { saveFile } from "../ui/save";
import { say } from "../ui/toast";
import { AccessKeys } from "./access_keys";
import { language, setLanguage, t } from "../words/words";

export default function SettingsRoom() {
  onMount(() => (document.title = `${t("room.settings")} · Shenbi`));
  return (
    <main class="room page" aria-label={t("room.settings")}>
      <div class="page-column narrow">
        <header class="page-head">
          <h1>{t("room.settings")}</h1>
        </header>
        <div class="card settings">
          <Choice name={t("settings.language")} value={language()} set={setLanguage} options={[["zh", "中文"], ["en", "English"]]} />
          <Choice
            name={t("settings.theme")}
            value={theme()}
            set={setTheme}
            options={[["system", t("theme.system")], ["light", t("theme.light")], ["dark", t("theme.dark")]]}
          />
          <Choice
            name={t("settings.send")}
            value={sendKey()}
            set={setSendKey}
            options={[["enter", "Enter"], ["mod-enter", `${modLabel} Enter`]]}
          />
          <Setting name={t("keys.title")}>
            <button type="button" class="button" onClick={() => setTop("shortcuts")}>{t("settings.show")}</button>
          </Setting>
        </div>
        <Show when={config()?.needs_key || key()}>
          <div class="card settings">
            <KeySetting />
          </div>
        </Show>
        <AccessKeys />
        <div class="card settings">
          <Transfer />
        </div>
        <p class="note">
          Shenbi {config()?.version} · <a href="/licences.txt" target="_blank">{t("settings.licences")}</a>
        </p>
      </div>
    </main>
  );
}

const Setting = (props: { name: string; note?: string; children: JSX.Element }) => (
  <div class="setting">
    <div>
      <div class="setting-name">{props.name}</div>
      <Show when={props.note}>
        <div class="setting-note">{props.note}</div>
      </Show>
    </div>
    <div class="setting-value">{props.children}</div>
  </div>
);

function Choice<T extends string>(props: { name: string; value: T; set: (value: T) => void; options: [T, string][] }) {
  return (
    <Setting name={props.name}>
      <div class="choices" role="radiogroup" aria-label={props.name}>
        <For each={props.options}>
          {([value, label]) => (
            <label class="choice">
              <input type="radio" name={props.name} checked={props.value === value} onChange={() => props.set(value)} />
              <span>{label}</span>
            </label>
          )}
        </For>
      </div>
    </Setting>
  );
}

const KeySetting = () => (
  <Setting name={t("settings.key")} note={t("settings.key-note")}>
    <input
      class="field mono"
      type="password"
      autocomplete="off"
      aria-label={t("settings.key")}
      value={key()}
      onChange={(event) => (setKey(event.currentTarget.value.trim()), void refreshConfig())}
    />
  </Setting>
);

function Transfer() {
  let chooser!: HTMLInputElement;
  const [report, setReport] = createSignal<ImportReport>();
  const [busy, setBusy] = createSignal(false);
  const save = () => attempt(async () => saveFile("shenbi.json", await (await exportAll()).blob()));
  const take = async () => {
    const file = chooser.files?.[0];
    if (!file) return;
    setBusy(true);
    setReport(await attempt(async () => importText(await file.text())));
    setBusy(false);
    chooser.value = "";
    const done = report();
    if (done) say(t("import.done", { conversations: done.conversations, messages: done.messages }));
    void refreshHistory();
  };
  return (
    <>
      <Setting name={t("export.all")} note={t("export.note")}>
        <button type="button" class="button" onClick={() => void save()}>{t("export")}</button>
      </Setting>
      <Setting name={t("import")} note={t("import.note")}>
        <input ref={chooser} type="file" accept=".json,application/json" class="out-of-sight" tabindex="-1" aria-label={t("import")} onChange={() => void take()} />
        <button type="button" class="button" disabled={busy()} onClick={() => chooser.click()}>{busy() ? t("import.busy") : t("import.choose")}</button>
      </Setting>
      <Show when={report()?.skipped.length}>
        <ul class="skipped">
          <For each={report()!.skipped}>{({ what, why }) => <li>{t("import.skipped", { what, why })}</li>}</For>
        </ul>
      </Show>
    </>
  );
}
