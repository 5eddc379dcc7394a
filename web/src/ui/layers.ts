// What lies above the room: one dialog at most, and panels at the sides that Escape closes when nothing lies above them.
import { createSignal, onCleanup } from "solid-js";

export type Top = "palette" | "shortcuts" | "prompts" | undefined;
export const [top, setTop] = createSignal<Top>();

const panels: (() => void)[] = [];

/** Registers an open side panel; the last one opened is closed first. */
export function closesOnEscape(close: () => void): void {
  panels.push(close);
  onCleanup(() => panels.splice(panels.indexOf(close), 1));
}

addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
  if (document.querySelector("dialog[open], :popover-open")) return; // the browser closes those
  panels.at(-1)?.();
});
