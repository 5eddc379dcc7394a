// How many tokens the next prompt would be, asked of the server when typing pauses.
import { createEffect, createSignal, onCleanup, type Accessor } from "solid-js";
import { estimate } from "../api/page";
import type { Estimate } from "../api/types";
import { currentModel } from "../state/server";
import * as conversation from "./conversation";

const pauseMs = 350;

export function liveEstimate(text: Accessor<string>): Accessor<Estimate | undefined> {
  const [value, setValue] = createSignal<Estimate>();
  createEffect(() => {
    const content = text();
    const model = currentModel()?.id;
    const parent = conversation.leaf();
    const id = conversation.id();
    if (!model || (!content.trim() && !parent) || conversation.running()) return setValue(undefined);
    const aborter = new AbortController();
    const timer = setTimeout(() => {
      const body = { model, content, ...(id ? { conversation: id } : {}), ...(parent ? { parent } : {}) };
      estimate(body, aborter.signal).then(setValue, () => aborter.signal.aborted || setValue(undefined));
    }, pauseMs);
    onCleanup(() => (clearTimeout(timer), aborter.abort()));
  });
  return value;
}
