// A table scrolls sideways in a frame of its own, and can be copied as CSV.
import { render } from "solid-js/web";
import { IconCopy } from "../ui/icons";
import { copyText } from "../ui/save";
import { t } from "../words/words";

/** Returns what undoes it. */
export function mountTable(table: HTMLTableElement): () => void {
  const holder = document.createElement("div");
  holder.className = "whole";
  table.replaceWith(holder);
  return render(
    () => (
      <figure class="table">
        <div class="scroll" tabindex="0" role="region" aria-label={t("table.label")}>
          {table}
        </div>
        <button type="button" class="tool" title={t("table.copy")} aria-label={t("table.copy")} onClick={() => void copyText(csv(table))}>
          <IconCopy />
          CSV
        </button>
      </figure>
    ),
    holder,
  );
}

/** RFC 4180: quotes are doubled, a cell with a quote, comma or line break is quoted. */
function csv(table: HTMLTableElement): string {
  const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [...table.rows]
    .map((row) => [...row.cells].map((one) => cell(one.textContent?.trim() ?? "")).join(","))
    .join("\r\n");
}
