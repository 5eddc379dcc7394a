// Every word of the page, in two languages, switched without a reload. zh.ts is typed by en.ts: a key that one of them
// lacks fails the build.
import { createEffect, createRoot } from "solid-js";
import { stored } from "../state/stored";
import { en } from "./en";
import { zh } from "./zh";

export type Language = "en" | "zh";
export type Word = keyof typeof en;

const preferred: Language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
export const [language, setLanguage] = stored<Language>("language", preferred);
export const locale = (): string => (language() === "zh" ? "zh-CN" : "en");

const tables = { en, zh };

/** t("chat.skipped", { n: 3 }) fills {n}. */
export function t(word: Word, values: Record<string, string | number> = {}): string {
  return tables[language()][word].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

createRoot(() => createEffect(() => (document.documentElement.lang = locale())));
