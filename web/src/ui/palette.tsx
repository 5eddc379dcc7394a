// Ctrl+K: every action, every model and every conversation, by a few letters of its name.
import { createMemo, createResource, createSignal } from "solid-js";
import { listConversations } from "../api/page";
import { rooms } from "../rooms/rooms";
import { setChosenModel, setTheme } from "../state/preferences";
import { go } from "../state/route";
import { models } from "../state/server";
import { setLanguage, t } from "../words/words";
import { Chooser, type Choice } from "./chooser";
import { setTop } from "./layers";
import { soon } from "./soon";

const actions = (): Choice[] => [
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

async function conversations(text: string): Promise<Choice[]> {
  const q = text.trim();
  const list = await listConversations(q ? { q, limit: 8 } : { limit: 5 }).catch(() => []);
  return list.map((one) => ({ name: one.title || t("chat.untitled"), note: t("palette.conversation"), run: () => go("chat", one.id) }));
}

export function Palette() {
  const [text, setText] = createSignal("");
  const settledText = soon(text, 150);
  const [found] = createResource(settledText, conversations, { initialValue: [] }); // a first value: the palette waits for nothing
  const commands = createMemo(() => {
    const words = text().toLowerCase().split(/\s+/).filter(Boolean);
    const matching = actions().filter(({ name, note }) => words.every((word) => `${name} ${note}`.toLowerCase().includes(word)));
    return [...matching, ...found.latest];
  });
  return <Chooser label={t("palette.title")} choices={commands()} typed={setText} />;
}
