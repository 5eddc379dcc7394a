// What the server counted (docs/usage.md), and how it is asked.
import { call, request } from "../api/http";

export type Split = "model" | "key" | "upstream";
export type Measure = "cost" | "tokens" | "calls";

export interface Sum {
  calls: number;
  failed: number;
  prompt_tokens: number;
  cached_tokens: number;
  cache_write_tokens: number;
  completion_tokens: number;
  reasoning_tokens: number;
  cost_nano_usd: number;
  unpriced: number;
  cached_answers: number;
}

export interface Row extends Sum {
  day: string;
  model?: string;
  key?: string;
  key_name?: string;
  upstream?: string;
}

export interface Usage {
  from: string;
  to: string;
  rows: Row[];
  total: Sum;
  lost: number;
}

export interface Call {
  id: number;
  time: number;
  key: string;
  model: string;
  upstream: string;
  prompt_tokens: number;
  completion_tokens: number;
  cost_nano_usd: number | null;
  first_token_s: number | null;
  tokens_per_s: number | null;
  outcome: "settled" | "estimated" | "aborted" | "failed";
  error: string;
  raw_usage: string;
  cached_answer: boolean;
}

const day = 86_400_000;
export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** Days of UTC, as the server counts them, the oldest first. */
export const lastDays = (n: number, now = Date.now()): string[] => Array.from({ length: n }, (_, at) => dayOf(now - (n - 1 - at) * day));

const query = (days: string[], split: Split) => new URLSearchParams({ from: days[0]!, to: days.at(-1)!, by: `day,${split}` });

export const getUsage = (days: string[], split: Split) => call<Usage>("GET", `/page/usage?${query(days, split)}`);
export const getCalls = async (days: string[]) =>
  (await call<{ rows: Call[] }>("GET", `/page/usage/rows?${new URLSearchParams({ from: days[0]!, to: days.at(-1)!, limit: "50" })}`)).rows;
export const usageFile = async (days: string[], split: Split, format: "csv" | "json") =>
  (await request("GET", `/page/usage?${query(days, split)}&format=${format}`)).blob();

export function measured(sum: Sum, measure: Measure): number {
  if (measure === "cost") return sum.cost_nano_usd;
  return measure === "calls" ? sum.calls : sum.prompt_tokens + sum.completion_tokens;
}

export const nameOf = (row: Row, split: Split, nobody: string): string =>
  split === "key" ? row.key_name || (row.key === "local" || !row.key ? nobody : row.key) : (row[split] ?? "");

/** Adds up what stands in `rows`. */
export function added(rows: Row[]): Sum {
  const sum: Sum = { calls: 0, failed: 0, prompt_tokens: 0, cached_tokens: 0, cache_write_tokens: 0, completion_tokens: 0, reasoning_tokens: 0, cost_nano_usd: 0, unpriced: 0, cached_answers: 0 };
  for (const row of rows) for (const field of Object.keys(sum) as (keyof Sum)[]) sum[field] += row[field];
  return sum;
}
