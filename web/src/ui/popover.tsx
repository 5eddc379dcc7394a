// A button and the panel it opens. The browser keeps the panel on top, closes it on Escape and on a click elsewhere.
import { createSignal, createUniqueId, Show, type JSX } from "solid-js";

interface Props {
  button: JSX.Element;
  label: string;
  buttonLabel?: string; // where the button shows words of its own, which its name must contain
  class?: string;
  panelClass?: string;
  ref?: (button: HTMLButtonElement) => void;
  children: (close: () => void) => JSX.Element;
}

const gap = 6;
const margin = 8;

export function Popover(props: Props) {
  let anchor!: HTMLButtonElement;
  let panel!: HTMLDivElement;
  const id = createUniqueId();
  const [open, setOpen] = createSignal(false);

  const toggled = (event: ToggleEvent): void => {
    setOpen(event.newState === "open");
    if (open()) requestAnimationFrame(() => place(anchor, panel));
  };
  return (
    <>
      <button
        ref={(node) => {
          anchor = node;
          props.ref?.(node);
        }}
        type="button"
        class={props.class ?? "tool"}
        aria-label={props.buttonLabel ?? props.label}
        title={props.label}
        aria-haspopup="dialog"
        aria-expanded={open()}
        popovertarget={id}
      >
        {props.button}
      </button>
      <div ref={panel} id={id} popover="auto" class={`popover ${props.panelClass ?? ""}`} role="dialog" aria-label={props.label} on:beforetoggle={toggled} onKeyDown={stepInMenu}>
        <Show when={open()}>{props.children(() => panel.hidePopover())}</Show>
      </div>
    </>
  );
}

/** Arrow keys walk through the lines of a menu. */
function stepInMenu(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const lines = [...event.currentTarget.querySelectorAll<HTMLElement>(".menu-item")];
  if (!step || !lines.length) return;
  event.preventDefault();
  const at = lines.indexOf(document.activeElement as HTMLElement);
  lines[at < 0 && step < 0 ? lines.length - 1 : (at + step + lines.length) % lines.length]?.focus();
}

/** Below the button, or above it where there is more room; inside the window in any case. */
function place(anchor: HTMLElement, panel: HTMLElement): void {
  const button = anchor.getBoundingClientRect();
  const below = innerHeight - button.bottom - gap - margin;
  const above = button.top - gap - margin;
  const upwards = below < Math.min(panel.scrollHeight, 320) && above > below;
  panel.style.maxHeight = `${upwards ? above : below}px`;
  const { width, height } = panel.getBoundingClientRect();
  const left = button.left + width > innerWidth - margin ? button.right - width : button.left;
  panel.style.left = `${Math.max(margin, Math.min(left, innerWidth - width - margin))}px`;
  panel.style.top = `${upwards ? button.top - gap - height : button.bottom + gap}px`;
}

/** One line of a menu. */
export const MenuItem = (props: { icon?: JSX.Element; children: JSX.Element; danger?: boolean; run: () => void }) => (
  <button type="button" class="menu-item" classList={{ danger: props.danger }} onClick={() => props.run()}>
    {props.icon}
    <span class="menu-text">{props.children}</span>
  </button>
);
