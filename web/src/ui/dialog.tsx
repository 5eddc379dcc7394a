// A dialog above everything else: the browser keeps the focus inside and closes it on Escape.
import { onMount, type JSX } from "solid-js";
import { t } from "../words/words";
import { IconClose } from "./icons";

export function Dialog(props: { label: string; class?: string; bare?: boolean; close: () => void; children: JSX.Element }) {
  let node!: HTMLDialogElement;
  onMount(() => node.showModal());
  return (
    <dialog
      ref={node}
      class={props.class}
      aria-label={props.label}
      onClose={() => props.close()}
      onClick={(event) => event.target === node && node.close()}
    >
      <div class="dialog-body">
        {!props.bare && (
          <header class="dialog-head">
            <h2>{props.label}</h2>
            <button type="button" class="tool" aria-label={t("close")} title={t("close")} onClick={() => node.close()}>
              <IconClose />
            </button>
          </header>
        )}
        {props.children}
      </div>
    </dialog>
  );
}
