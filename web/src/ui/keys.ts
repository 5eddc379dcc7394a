// Shortcuts of the whole page, in one table that the shortcut sheet prints.
import { go } from "../state/route";
import type { Word } from "../words/words";
import { setTop } from "./layers";

const mac = /Mac|iPhone|iPad/.test(navigator.platform);
export const modLabel = mac ? "⌘" : "Ctrl";

interface Shortcut {
  keys: string[];
  word: Word;
  matches?: (event: KeyboardEvent) => boolean;
  run?: () => void;
}

const mod = (event: KeyboardEvent) => (mac ? event.metaKey : event.ctrlKey) && !event.altKey;

export const shortcuts: Shortcut[] = [
  { keys: [modLabel, "K"], word: "keys.palette", matches: (e) => mod(e) && !e.shiftKey && e.key.toLowerCase() === "k", run: () => setTop("palette") },
  { keys: [modLabel, "/"], word: "keys.sheet", matches: (e) => mod(e) && e.key === "/", run: () => setTop("shortcuts") },
  { keys: [modLabel, "Shift", "O"], word: "keys.new", matches: (e) => mod(e) && e.shiftKey && e.key.toLowerCase() === "o", run: () => go("chat") },
  { keys: ["Enter"], word: "keys.send" },
  { keys: ["Shift", "Enter"], word: "keys.break" },
  { keys: ["@"], word: "keys.model" },
  { keys: ["/"], word: "keys.prompt" },
  { keys: ["↑"], word: "keys.edit" },
  { keys: ["Esc"], word: "keys.close" },
]; // prettier-ignore

export function listenForShortcuts(): void {
  addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const found = shortcuts.find((one) => one.matches?.(event));
    if (!found?.run) return;
    event.preventDefault();
    found.run();
  });
}
