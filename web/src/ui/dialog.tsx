// A dialog above everything else: the browser keeps the focus inside and closes it on Escape.
import { onCleanup, onMount, type JSX } from "solid-js";
import { t } from "../words/words";
import { IconClose } from "./icons";

export function Dialog(props: { label: string; class?: string; bare?: boolean; close: () => void; children: JSX.Element }) {
  let node!: HTMLDialogElement;
  let over = false;
  onMount(() => node.showModal());
  onCleanup(() => (over = true));

  // The browser tells of a closed dialog a moment later, when another may already have taken its place: each is told of
  // once, at the first sign, and not after it is gone.
  const dismiss = () => {
    if (over) return;
    over = true;
    node.close();
    props.close();
  };
  return (
    <dialog
      ref={node}
      class={props.class}
      aria-label={props.label}
      onCancel={(event) => event.target === node && dismiss()}
      onClose={dismiss}
      onClick={(event) => event.target === node && dismiss()}
    >
      <div class="dialog-body">
        {!props.bare && (
          <header class="dialog-head">
            <h2>{props.label}</h2>
            <button type="button" class="tool" aria-label={t("close")} title={t("close")} onClick={dismiss}>
              <IconClose />
            </button>
          </header>
        )}
        {props.children}
      </div>
    </dialog>
  );
}
