// Prices and contexts as people read them.
import { locale } from "../words/words";

export const short = (n: number): string => n.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });
export const dollars = (n: number | undefined): string =>
  n === undefined ? "–" : n.toLocaleString(locale(), { maximumFractionDigits: n !== 0 && n < 0.1 ? 4 : 2 });
