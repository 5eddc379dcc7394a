import { For } from "solid-js";
import { t } from "../words/words";
import { Dialog } from "./dialog";
import { shortcuts } from "./keys";
import { setTop } from "./layers";

export const ShortcutSheet = () => (
  <Dialog label={t("keys.title")} class="sheet" close={() => setTop(undefined)}>
    <dl class="shortcuts">
      <For each={shortcuts}>
        {(shortcut) => (
          <div>
            <dt>{t(shortcut.word)}</dt>
            <dd>
              <For each={shortcut.keys}>{(key) => <kbd>{key}</kbd>}</For>
            </dd>
          </div>
        )}
      </For>
    </dl>
  </Dialog>
);
