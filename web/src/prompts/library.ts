// The saved prompts, as the server has them, and the one that is on its way into the composer.
import { createSignal } from "solid-js";
import * as page from "../api/page";
import type { Prompt } from "../api/types";
import { attempt } from "../ui/faults";
import { say } from "../ui/toast";
import { t } from "../words/words";

const [prompts, setPrompts] = createSignal<Prompt[]>([]);
const [loaded, setLoaded] = createSignal(false);
export { prompts, loaded };

export async function refreshPrompts(): Promise<void> {
  const all = await attempt(page.listPrompts);
  if (all) setPrompts(all);
  setLoaded(true);
}

/** True once it is stored. */
export async function savePrompt(prompt: Omit<Prompt, "id"> & { id?: string }): Promise<boolean> {
  const { id, name, content } = prompt;
  const stored = await attempt(() => (id ? page.changePrompt({ id, name, content }) : page.createPrompt({ name, content })));
  await refreshPrompts();
  return stored !== undefined;
}

export async function removePrompt(prompt: Prompt): Promise<void> {
  await attempt(() => page.deletePrompt(prompt.id));
  await refreshPrompts();
  const { name, content } = prompt;
  say(t("prompts.deleted"), { label: t("undo"), run: () => void savePrompt({ name, content }) });
}
