// A name edited where it stands: Enter and leaving the field keep it, Escape does not.
import { onMount } from "solid-js";

export function RenameField(props: { value: string; label: string; keep: (name: string) => void; close: () => void }) {
  let field!: HTMLInputElement;
  let over = false;
  const end = (keep: boolean) => {
    if (over) return;
    over = true;
    const name = field.value.trim();
    if (keep && name && name !== props.value) props.keep(name);
    props.close();
  };
  onMount(() => (field.focus(), field.select()));
  return (
    <input
      ref={field}
      class="rename"
      value={props.value}
      aria-label={props.label}
      maxlength="200"
      onBlur={() => end(true)}
      onKeyDown={(event) => {
        if (event.isComposing || event.keyCode === 229) return;
        if (event.key === "Enter") end(true);
        if (event.key !== "Escape") return;
        event.preventDefault();
        end(false);
      }}
    />
  );
}
