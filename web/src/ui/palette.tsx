// Ctrl+K: every action, every model and every conversation, by a few letters of its name.
import { createEffect, createMemo, createResource, createSignal, For, Show } from "solid-js";
import { listConversations } from "../api/page";
import { rooms } from "../rooms/rooms";
import { setChosenModel, setTheme } from "../state/preferences";
import { go } from "../state/route";
import { models } from "../state/server";
import { setLanguage, t } from "../words/words";
import { Dialog } from "./dialog";
import { setTop } from "./layers";
import { soon } from "./soon";

interface Command {
  name: string;
  note: string;
  run: () => void;
}

const actions = (): Command[] => [
  { name: t("chat.new"), note: "", run: () => go("chat") },
  ...rooms.map((room) => ({ name: t(room.name), note: t("palette.room"), run: () => go(room.id) })),
  ...models().map((model) => ({ name: model.id, note: t("palette.model"), run: () => setChosenModel(model.id) })),
  { name: t("theme.light"), note: t("settings.theme"), run: () => setTheme("light") },
  { name: t("theme.dark"), note: t("settings.theme"), run: () => setTheme("dark") },
  { name: t("theme.system"), note: t("settings.theme"), run: () => setTheme("system") },
  { name: "English", note: t("settings.language"), run: () => setLanguage("en") },
  { name: "中文", note: t("settings.language"), run: () => setLanguage("zh") },
  { name: t("keys.title"), note: "", run: () => setTop("shortcuts") },
];

export function Palette() {
  const [text, setText] = createSignal("");
  const [chosen, setChosen] = createSignal(0);
  const settledText = soon(text, 150);
  const [found] = createResource(settledText, async (q): Promise<Command[]> => {
    const list = await listConversations(q.trim() ? { q: q.trim(), limit: 8 } : { limit: 5 }).catch(() => []);
    return list.map((one) => ({ name: one.title || t("chat.untitled"), note: t("palette.conversation"), run: () => go("chat", one.id) }));
  });
  const commands = createMemo(() => {
    const words = text().toLowerCase().split(/\s+/).filter(Boolean);
    const matching = actions().filter(({ name, note }) => words.every((word) => `${name} ${note}`.toLowerCase().includes(word)));
    return [...matching, ...(found.latest ?? [])];
  });
  const run = (command: Command | undefined) => {
    if (!command) return;
    setTop(undefined);
    command.run();
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setChosen((at) => (at + step + commands().length) % Math.max(commands().length, 1));
    else if (event.key === "Enter") run(commands()[chosen()]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog label={t("palette.title")} class="palette" bare close={() => setTop(undefined)}>
      <input
        class="palette-field"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={`palette-${chosen()}`}
        aria-label={t("palette.title")}
        placeholder={t("palette.title")}
        autofocus
        onInput={(event) => (setText(event.currentTarget.value), setChosen(0))}
        onKeyDown={pressed}
      />
      <div id="palette-list" class="palette-list" role="listbox" aria-label={t("palette.title")}>
        <For each={commands()}>
          {(command, at) => <Row command={command} id={`palette-${at()}`} chosen={at() === chosen()} run={() => run(command)} />}
        </For>
        <Show when={!commands().length}>
          <p class="quiet-line">{t("search.none")}</p>
        </Show>
      </div>
    </Dialog>
  );
}

function Row(props: { command: Command; id: string; chosen: boolean; run: () => void }) {
  let node!: HTMLDivElement;
  createEffect(() => props.chosen && node.scrollIntoView({ block: "nearest" }));
  return (
    <div ref={node} id={props.id} class="palette-row" role="option" aria-selected={props.chosen} onClick={() => props.run()}>
      <span class="palette-name">{props.command.name}</span>
      <span class="palette-note">{props.command.note}</span>
    </div>
  );
}
