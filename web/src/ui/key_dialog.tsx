// The server wants a key, or did not take ours.
import { key, setKey, setRefused } from "../api/http";
import { t } from "../words/words";
import { Dialog } from "./dialog";

export function KeyDialog() {
  let field!: HTMLInputElement;
  const keep = (event: SubmitEvent) => {
    event.preventDefault();
    setKey(field.value.trim());
    location.reload(); // everything that was refused is asked for again
  };
  return (
    <Dialog label={t("key.needed")} close={() => setRefused(false)}>
      <form class="stack" onSubmit={keep}>
        <p>{key() ? t("key.wrong") : t("key.why")}</p>
        <input ref={field} class="field mono" type="password" autocomplete="off" aria-label={t("settings.key")} value={key()} autofocus />
        <div class="bar-end">
          <button type="submit" class="button primary">{t("key.use")}</button>
        </div>
      </form>
    </Dialog>
  );
}
