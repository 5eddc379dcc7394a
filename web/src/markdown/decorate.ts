// What plain Markdown elements gain on the page: tools above code and tables, and formulas set as mathematics.
import { mountCode } from "./code_view";
import { setFormula } from "./formulas";
import { mountTable } from "./table_view";

/** Returns what undoes it. */
export function decorate(block: HTMLElement): () => void {
  const undo: (() => void)[] = [];
  for (const pre of block.querySelectorAll("pre")) {
    const code = pre.querySelector("code");
    const holder = document.createElement("div");
    const info = [...(code?.classList ?? [])].find((name) => name.startsWith("language-"))?.slice("language-".length);
    pre.replaceWith(holder);
    const view = mountCode(holder, info ?? "", pre.textContent ?? "");
    view.finish();
    undo.push(view.dispose);
  }
  for (const table of block.querySelectorAll("table")) undo.push(mountTable(table));
  for (const formula of block.querySelectorAll<HTMLElement>(".math")) setFormula(formula);
  return () => undo.forEach((one) => one());
}
