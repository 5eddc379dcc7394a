// What the server says of itself: its version, whether it wants a key, and the models it has.
import { createEffect, createMemo, createRoot, createSignal, onCleanup } from "solid-js";
import { getConfig } from "../api/page";
import { key, reached, setRefused } from "../api/http";
import type { Config, Model } from "../api/types";
import { chosenModel } from "./preferences";

const [config, setConfig] = createSignal<Config>();
export { config };

export const models = (): Model[] => config()?.models ?? [];
const modelOf = (id: string): Model | undefined => models().find((model) => model.id === id);

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
    if (next.needs_key && !key()) setRefused(true);
  } catch {
    // the frame says that the server is away, and it is asked again
  }
}

const askAgainMs = 3000;

/** Asks for the configuration now, and again whenever the server was lost, until it answers. */
export function watchServer(): void {
  void refreshConfig();
  createRoot(() =>
    createEffect(() => {
      if (reached()) return;
      const timer = setInterval(() => void refreshConfig(), askAgainMs);
      onCleanup(() => clearInterval(timer));
    }),
  );
}
