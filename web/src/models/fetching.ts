// Models on their way to the server's disk. A fetch goes on while the reader looks at other rooms, and stops with the page.
import { createStore, produce } from "solid-js/store";
import { call, request } from "../api/http";
import { refreshConfig } from "../state/server";
import { faultText } from "../ui/faults";
import { m } from "./words";

export interface KnownModel {
  name: string;
  title: string;
  quantisation: string;
  chat: boolean;
  here: boolean;
}

export interface Fetch {
  model: string;
  state: "running" | "done" | "stopped" | "failed";
  file: string;
  done: number;
  total: number;
  fault: string;
}

export const knownModels = async () => (await call<{ models: KnownModel[] }>("GET", "/page/known-models")).models;
export const removeModel = (model: string) => request("DELETE", "/api/delete", { model });

const [fetches, set] = createStore<Fetch[]>([]);
export { fetches };
const leaving = new Map<string, AbortController>();

export const stopFetch = (model: string): void => leaving.get(model)?.abort();
export const forgetFetch = (model: string): void => set((all) => all.filter((one) => one.model !== model));

export async function fetchModel(model: string): Promise<void> {
  if (leaving.has(model)) return;
  const leave = new AbortController();
  leaving.set(model, leave);
  forgetFetch(model);
  set(produce((all) => all.unshift({ model, state: "running", file: "", done: 0, total: 0, fault: "" })));
  const change = (part: Partial<Fetch>) => set((one) => one.model === model, part);
  try {
    const response = await request("POST", "/api/pull", { model }, leave.signal);
    let whole = false;
    for await (const told of jsonLines(response.body!)) {
      if (told.error) throw new Error(told.error);
      if (told.total) change({ file: told.status?.replace(/^pulling /, "") ?? "", done: told.completed ?? 0, total: told.total });
      whole = told.status === "success";
    }
    if (!whole) throw new Error(m("cut"));
    change({ state: "done" });
    void refreshConfig();
  } catch (error) {
    change(leave.signal.aborted ? { state: "stopped" } : { state: "failed", fault: faultText(error) });
  } finally {
    leaving.delete(model);
  }
}

interface Told {
  status?: string;
  error?: string;
  total?: number;
  completed?: number;
}

async function* jsonLines(body: ReadableStream<BufferSource>): AsyncGenerator<Told> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : (lines.pop() ?? "");
    for (const line of lines) if (line.trim()) yield JSON.parse(line) as Told;
    if (done) return;
  }
}
