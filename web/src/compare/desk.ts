// The comparison on the desk: its columns and what can be done to each. It outlives a visit to another room.
import { batch, createSignal } from "solid-js";
import { createStore } from "solid-js/store";
import { ApiError } from "../api/http";
import type { Params } from "../api/types";
import { stored } from "../state/stored";
import { models } from "../state/server";
import { faultText } from "../ui/faults";
import { sayFault } from "../ui/toast";
import * as data from "./data";

export type { Column } from "./data";

const [picked, setPicked] = stored<string[]>("compare-models", []);
export { setPicked };

/** Those that were chosen and are still there; before any choice the first two. */
export function chosen(): string[] {
  const there = picked().filter((id) => models().some((model) => model.id === id));
  if (there.length) return there;
  const able = models().filter((model) => model.chat);
  return (able.length ? able : models()).slice(0, 2).map((model) => model.id);
}

const [question, setQuestion] = createSignal("");
const [columns, setColumns] = createStore<data.Column[]>([]);
export { question, columns };

export const running = (): boolean => columns.some((column) => column.status === "running");

// Which stream writes a column, and as which of its own.
const places = new Map<number, { stream: Stream; at: number }>();
interface Stream {
  id: string;
  leave: AbortController;
}
let params: Params = {};

const fresh = (model: string): data.Column => ({ model, status: "running", content: "", thinking: "" });

export function ask(text: string, names: string[], settings: Params): void {
  leave();
  params = settings;
  batch(() => {
    setQuestion(text);
    setColumns(names.map(fresh));
  });
  void follow(names.map((_, at) => at));
}

/** Puts these columns to their models in a stream of their own. */
async function follow(mine: number[]): Promise<void> {
  const stream: Stream = { id: "", leave: new AbortController() };
  mine.forEach((column, at) => places.set(column, { stream, at }));
  const current = (at: number) => places.get(mine[at]!)?.stream === stream;
  const fail = (error: unknown) =>
    batch(() => {
      for (const [at, column] of mine.entries()) {
        if (current(at) && columns[column]?.status === "running") setColumns(column, { status: "failed", error: faultText(error) });
      }
    });
  try {
    await data.compare(
      mine.map((column) => columns[column]!.model),
      question(),
      params,
      {
        opened: (id) => (stream.id = id),
        began: (at) => current(at) && setColumns(mine[at]!, { ...fresh(columns[mine[at]!]!.model), error: undefined, figures: undefined, finish: undefined }),
        grew: (at, text, thinking) =>
          current(at) && setColumns(mine[at]!, (old) => ({ content: old.content + text, thinking: old.thinking + thinking })),
        ended: (at, what) => current(at) && setColumns(mine[at]!, what),
      },
      stream.leave.signal,
    );
    fail(new ApiError(0, ""));
  } catch (error) {
    if (!stream.leave.signal.aborted) fail(error);
  }
}

/** Nobody reads what runs any more: the server ends it. */
export function leave(): void {
  for (const { stream } of places.values()) stream.leave.abort();
  places.clear();
}

export async function stop(column: number): Promise<void> {
  const place = places.get(column);
  if (!place) return;
  if (place.stream.id) await data.stopColumn(place.stream.id, place.at).catch((error: unknown) => tellUnlessOver(error, column));
}

export const stopAll = (): void => columns.forEach((column, at) => void (column.status === "running" && stop(at)));

const tellUnlessOver = (error: unknown, column: number) => {
  if (columns[column]?.status === "running") sayFault(faultText(error));
};

/** In its stream while that still runs, else in one of its own. */
export async function retry(column: number): Promise<void> {
  const place = places.get(column);
  if (place && running()) {
    try {
      return void (await data.retryColumn(place.stream.id, place.at));
    } catch {
      // its stream has ended meanwhile
    }
  }
  setColumns(column, { ...fresh(columns[column]!.model), error: undefined, figures: undefined, finish: undefined });
  await follow([column]);
}

export const answered = () => columns.flatMap((column, at) => (column.content && column.status !== "running" ? [{ ...column, at }] : []));

export async function goOn(column: number): Promise<string> {
  const all = answered();
  const { id } = await data.keep(
    question(),
    all.map(({ model, content }) => ({ model, content })),
    all.findIndex(({ at }) => at === column),
  );
  return id;
}
