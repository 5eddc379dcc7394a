// Figures and times as people read them, in the language of the page.
import { locale, t } from "../words/words";

export const count = (n: number): string => n.toLocaleString(locale());

export function bytes(n: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1000;
    unit++;
  }
  return `${n.toLocaleString(locale(), { maximumFractionDigits: n < 10 && unit > 0 ? 1 : 0 })} ${units[unit]}`;
}

/** Billionths of a dollar: $0.0015, $12.30: as many places as the figure needs, at most six. */
export function money(nano: number): string {
  const dollars = nano / 1e9;
  const places = dollars === 0 ? 0 : Math.min(6, Math.max(2, 2 - Math.floor(Math.log10(dollars))));
  return `$${dollars.toLocaleString(locale(), { minimumFractionDigits: Math.min(places, 2), maximumFractionDigits: places })}`;
}

/** 270M, 8.2B */
export function parameters(n: number): string {
  const [value, letter] = n >= 1e9 ? [n / 1e9, "B"] : [n / 1e6, "M"];
  return `${value.toLocaleString(locale(), { maximumFractionDigits: value < 10 ? 1 : 0 })}${letter}`;
}

export function seconds(s: number): string {
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 60) return `${s.toFixed(1)} s`;
  return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
}

export const rate = (perSecond: number): string => (perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond).toString());

export const moment = (time: number): string =>
  new Date(time * 1000).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });

/** The heading under which a conversation of that time stands. */
export function dateGroup(time: number, now = new Date()): string {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime() / 1000;
  const day = 86400;
  if (time >= midnight) return t("date.today");
  if (time >= midnight - day) return t("date.yesterday");
  if (time >= midnight - 7 * day) return t("date.week");
  if (time >= midnight - 30 * day) return t("date.month");
  return new Date(time * 1000).toLocaleDateString(locale(), { year: "numeric", month: "long" });
}
