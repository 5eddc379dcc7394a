// "/" in an empty message: a saved prompt by a few letters of its name or text. Who wants none of them keeps the stroke.
import { createMemo, createSignal, onMount } from "solid-js";
import { insert } from "../chat/insertion";
import { go } from "../state/route";
import { Chooser, type Choice } from "../ui/chooser";
import { t } from "../words/words";
import { loaded, prompts, refreshPrompts } from "./library";

export default function PromptPicker() {
  const [text, setText] = createSignal("");
  onMount(() => void refreshPrompts());
  const choices = createMemo((): Choice[] => {
    const words = text().toLowerCase().split(/\s+/).filter(Boolean);
    const found = prompts().filter(({ name, content }) => words.every((word) => `${name} ${content}`.toLowerCase().includes(word)));
    const lines = found.map(({ name, content }) => ({ name, note: content.slice(0, 60), run: () => insert(content) }));
    return loaded() && !words.length ? [...lines, { name: t("prompts.manage"), note: t("palette.room"), run: () => go("prompts") }] : lines;
  });
  return <Chooser label={t("prompts.choose")} choices={choices()} typed={setText} dismissed={() => insert("/")} />;
}
