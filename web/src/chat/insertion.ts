// A text that another part of the page puts into the composer; the first {{word}} of it is selected, to be typed over.
import { createSignal } from "solid-js";

const [insertion, setInsertion] = createSignal<string>();
export { insertion };

export const insert = (text: string): void => void setInsertion(text);

/** Writes what was handed over, and takes it off the table. */
export function takeInto(field: HTMLTextAreaElement): void {
  const text = insertion();
  if (text === undefined) return;
  setInsertion(undefined);
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
  const blank = /\{\{.*?\}\}/.exec(text);
  field.setSelectionRange(blank?.index ?? text.length, blank ? blank.index + blank[0].length : text.length);
}
