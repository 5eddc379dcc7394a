// The routes of a comparison (docs/compare.md), and the reader of its stream.
import { call, request } from "../api/http";
import { serverEvents } from "../api/sse";
import type { Params, Status, Summary } from "../api/types";

export interface Figures {
  usage: { prompt_tokens: number; completion_tokens: number };
  first_token_s: number | null;
  seconds: number;
  tokens_per_s: number | null;
  cost_nano_usd: number | null;
  upstream: string | null;
}

export interface Column {
  model: string;
  status: Status;
  content: string;
  thinking: string;
  finish?: string | null;
  error?: string;
  figures?: Figures;
}

interface Ended extends Figures {
  column: number;
  status: Status;
  finish_reason: string | null;
  error?: { message: string };
}

export interface Listener {
  opened(id: string): void;
  began(column: number): void;
  grew(column: number, text: string, thinking: string): void;
  ended(column: number, what: Pick<Column, "status" | "finish" | "error" | "figures">): void;
}

function asked(question: string, { system, thinking, ...params }: Params) {
  const messages = [...(system ? [{ role: "system", content: system }] : []), { role: "user", content: question }];
  return { messages, ...params, ...(thinking === undefined ? {} : { reasoning_effort: thinking ? "medium" : "none" }) };
}

/** Asks all; returns when the stream has ended. What is thrown is a refusal of the whole, or a lost connection. */
export async function compare(models: string[], question: string, params: Params, listener: Listener, signal: AbortSignal): Promise<void> {
  const response = await request("POST", "/page/compare", { models, stream: true, ...asked(question, params) }, signal);
  const gathered = gather(listener);
  try {
    for await (const { event, data } of serverEvents(response.body!)) {
      const value = JSON.parse(data);
      if (event === "comparison") listener.opened(value.id);
      else if (event === "text") gathered.add(value.column, value.text, "");
      else if (event === "thinking") gathered.add(value.column, "", value.text);
      else if (event === "column" || event === "end") {
        gathered.flush();
        if (event === "column") listener.began(value.column);
        else listener.ended(value.column, endOf(value));
      }
    }
  } finally {
    gathered.flush();
  }
}

const endOf = ({ status, finish_reason, error, ...figures }: Ended) => ({ status, finish: finish_reason, error: error?.message, figures });

/** Text arrives far more often than a screen is painted. */
function gather(listener: Listener) {
  const waiting = new Map<number, { text: string; thinking: string }>();
  let frame = 0;
  const flush = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    for (const [column, { text, thinking }] of waiting) listener.grew(column, text, thinking);
    waiting.clear();
  };
  const add = (column: number, text: string, thinking: string) => {
    const before = waiting.get(column) ?? { text: "", thinking: "" };
    waiting.set(column, { text: before.text + text, thinking: before.thinking + thinking });
    frame ||= requestAnimationFrame(flush);
  };
  return { add, flush };
}

const columnOf = (id: string, column: number) => `/page/compare/${encodeURIComponent(id)}/columns/${column}`;
export const stopColumn = (id: string, column: number) => call<unknown>("POST", `${columnOf(id, column)}/stop`);
export const retryColumn = (id: string, column: number) => call<unknown>("POST", `${columnOf(id, column)}/retry`);

/** A conversation of the question with every answer as a version of it, the chosen one shown. */
export const keep = (question: string, answers: { model: string; content: string }[], chosen: number) =>
  call<Summary>("POST", "/page/compare/keep", { question, answers, chosen });

/** The judge's words as they come. */
export async function* summary(model: string, question: string, answers: { name: string; content: string }[], signal: AbortSignal): AsyncGenerator<string> {
  const response = await request("POST", "/page/compare/summary", { model, question, answers, stream: true }, signal);
  for await (const { data } of serverEvents(response.body!)) {
    if (data === "[DONE]") return;
    const value = JSON.parse(data);
    if (value.error) throw new Error(String(value.error.message));
    yield value.choices?.[0]?.delta?.content ?? "";
  }
}
