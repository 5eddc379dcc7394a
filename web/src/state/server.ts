// What the server says of itself: its version, whether it wants a key, and the models it has.
import { createMemo, createRoot, createSignal } from "solid-js";
import { getConfig } from "../api/page";
import { key, setRefused } from "../api/http";
import type { Config, Model } from "../api/types";
import { chosenModel } from "./preferences";

const [config, setConfig] = createSignal<Config>();
const [unreachable, setUnreachable] = createSignal(false);
export { config, unreachable };

export const models = (): Model[] => config()?.models ?? [];
export const modelOf = (id: string): Model | undefined => models().find((model) => model.id === id);

/** The model the next question goes to: the last one chosen while it exists, else a loaded one, else the first. */
export const currentModel = createRoot(() =>
  createMemo(() => modelOf(chosenModel()) ?? models().find((model) => model.loaded) ?? models()[0]),
);

/** A model whose file lies on the server's own disk. */
export const isLocal = (model: Model): boolean => model.bytes > 0;

export async function refreshConfig(): Promise<void> {
  try {
    const next = await getConfig();
    setConfig(next);
    setUnreachable(false);
    if (next.needs_key && !key()) setRefused(true);
  } catch {
    setUnreachable(true);
  }
}

let retry: ReturnType<typeof setTimeout> | undefined;

/** Asks again every few seconds until the server answers. */
export function watchServer(): void {
  clearTimeout(retry);
  void refreshConfig().then(() => {
    if (unreachable()) retry = setTimeout(watchServer, 3000);
  });
}
