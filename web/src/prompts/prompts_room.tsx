// The saved prompts: written, changed and used here; "/" in an empty message brings them into a chat.
import "./prompts.css";
import { createSignal, For, onMount, Show } from "solid-js";
import type { Prompt } from "../api/types";
import { insert } from "../chat/insertion";
import { go } from "../state/route";
import { IconEdit, IconNew, IconTrash } from "../ui/icons";
import { Mark } from "../ui/mark";
import { t } from "../words/words";
import { loaded, prompts, refreshPrompts, removePrompt, savePrompt } from "./library";

export default function PromptsRoom() {
  const [edited, setEdited] = createSignal<string>(); // an id, or "" for a new one
  const close = () => setEdited(undefined);
  onMount(() => {
    document.title = `${t("room.prompts")} · Shenbi`;
    void refreshPrompts();
  });
  const NewButton = (props: { primary?: boolean }) => (
    <button type="button" class="button" classList={{ primary: props.primary }} onClick={() => setEdited("")}>
      <IconNew />
      {t("prompts.new")}
    </button>
  );
  return (
    <main class="room page" aria-label={t("room.prompts")}>
      <div class="page-column narrow">
        <header class="page-head">
          <h1>{t("room.prompts")}</h1>
          <Show when={prompts().length && edited() === undefined}>
            <NewButton />
          </Show>
        </header>
        <Show when={edited() === ""}>
          <Editor close={close} />
        </Show>
        <For each={prompts()}>
          {(prompt) => (
            <Show when={edited() === prompt.id} fallback={<Card prompt={prompt} edit={() => setEdited(prompt.id)} />}>
              <Editor prompt={prompt} close={close} />
            </Show>
          )}
        </For>
        <Show when={loaded() && !prompts().length && edited() === undefined}>
          <div class="empty">
            <Mark />
            <p class="empty-line">{t("prompts.none")}</p>
            <NewButton primary />
          </div>
        </Show>
      </div>
    </main>
  );
}

const Card = (props: { prompt: Prompt; edit: () => void }) => (
  <article class="card prompt">
    <header class="prompt-head">
      <h2 class="prompt-name" dir="auto">{props.prompt.name}</h2>
      <button type="button" class="tool" aria-label={t("edit")} title={t("edit")} onClick={props.edit}>
        <IconEdit />
      </button>
      <button type="button" class="tool" aria-label={t("delete")} title={t("delete")} onClick={() => void removePrompt(props.prompt)}>
        <IconTrash />
      </button>
      <button type="button" class="button" onClick={() => (insert(props.prompt.content), go("chat"))}>{t("prompts.use")}</button>
    </header>
    <p class="prompt-text" dir="auto">{props.prompt.content}</p>
  </article>
);

function Editor(props: { prompt?: Prompt; close: () => void }) {
  let name!: HTMLInputElement;
  let content!: HTMLTextAreaElement;
  const [whole, setWhole] = createSignal(props.prompt !== undefined);
  const check = () => setWhole(name.value.trim() !== "" && content.value.trim() !== "");
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    if (await savePrompt({ id: props.prompt?.id, name: name.value, content: content.value })) props.close();
  };
  onMount(() => name.focus());
  return (
    <form class="card prompt" onSubmit={(event) => void save(event)} onInput={check} onKeyDown={(event) => event.key === "Escape" && props.close()}>
      <label class="prompt-field">
        {t("prompts.name")}
        <input ref={name} class="field" maxlength="200" dir="auto" value={props.prompt?.name ?? ""} />
      </label>
      <label class="prompt-field">
        {t("prompts.content")}
        <textarea ref={content} class="field" rows="6" dir="auto" value={props.prompt?.content ?? ""} />
      </label>
      <div class="bar-end">
        <span class="quiet-line">{t("prompts.content-note")}</span>
        <button type="button" class="button" onClick={props.close}>{t("cancel")}</button>
        <button type="submit" class="button primary" disabled={!whole()}>{t("prompts.save")}</button>
      </div>
    </form>
  );
}
