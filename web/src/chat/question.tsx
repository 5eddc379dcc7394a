// A message of the reader's own. An edit opens where it stands and makes a branch.
import { createSignal, onMount, Show } from "solid-js";
import { attempt } from "../ui/faults";
import { IconCopy, IconEdit } from "../ui/icons";
import { copyText } from "../ui/save";
import { t } from "../words/words";
import { Branches } from "./branches";
import { edit, messages, path } from "./conversation";
import { growing } from "./growing";
import { sendsMessage } from "./send_key";

const folded = 1_500; // characters: a longer question shows its beginning

const [edited, setEdited] = createSignal<string>();

export function editLastQuestion(): void {
  setEdited(path().findLast((id) => messages[id]?.role === "user"));
}

export function Question(props: { id: string }) {
  const editing = () => edited() === props.id;
  const [whole, setWhole] = createSignal(false);
  const content = () => messages[props.id]?.content ?? "";
  const long = () => content().length > folded && !whole();
  return (
    <article class="message question" aria-label={t("chat.question")}>
      <Show when={!editing()} fallback={<Edit id={props.id} close={() => setEdited(undefined)} />}>
        <div class="bubble" dir="auto">
          {long() ? `${content().slice(0, folded)}…` : content()}
          <Show when={long()}>
            <button type="button" class="text" onClick={() => setWhole(true)}>{t("chat.whole")}</button>
          </Show>
        </div>
        <div class="actions">
          <Branches id={props.id} />
          <button type="button" class="tool" aria-label={t("copy")} title={t("copy")} onClick={() => void copyText(content())}>
            <IconCopy />
          </button>
          <button type="button" class="tool" aria-label={t("edit")} title={t("edit")} onClick={() => setEdited(props.id)}>
            <IconEdit />
          </button>
        </div>
      </Show>
    </article>
  );
}

function Edit(props: { id: string; close: () => void }) {
  let field!: HTMLTextAreaElement;
  const [sending, setSending] = createSignal(false);
  const send = async () => {
    if (!field.value.trim() || sending()) return;
    setSending(true);
    const sent = await attempt(async () => (await edit(props.id, field.value), true));
    setSending(false);
    if (sent) props.close();
  };
  const pressed = (event: KeyboardEvent) => {
    if (sendsMessage(event)) {
      event.preventDefault();
      void send();
    } else if (event.key === "Escape") {
      event.preventDefault();
      props.close();
    }
  };
  onMount(() => {
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  });
  return (
    <div class="bubble editing">
      <textarea ref={(node) => growing((field = node))} dir="auto" aria-label={t("edit")} onKeyDown={pressed} value={messages[props.id]?.content ?? ""} />
      <div class="bar-end">
        <span class="quiet-line">{t("chat.edit-note")}</span>
        <button type="button" class="button" onClick={props.close}>{t("cancel")}</button>
        <button type="button" class="button primary" disabled={sending()} onClick={() => void send()}>{t("send")}</button>
      </div>
    </div>
  );
}
