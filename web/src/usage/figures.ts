// Money and tokens as people read them.
import { locale } from "../words/words";

/** $0.0015, $12.30: as many places as the figure needs, at most six. */
export function money(nano: number): string {
  const dollars = nano / 1e9;
  const places = dollars === 0 ? 0 : Math.min(6, Math.max(2, 2 - Math.floor(Math.log10(dollars))));
  return `$${dollars.toLocaleString(locale(), { minimumFractionDigits: Math.min(places, 2), maximumFractionDigits: places })}`;
}

/** 950, 12.3k, 4.5M */
export const short = (n: number): string => n.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });
