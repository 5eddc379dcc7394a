// One line at the foot of the page that says what happened, sometimes with the way back.
import { createSignal, For } from "solid-js";

interface Toast {
  text: string;
  fault: boolean;
  action?: { label: string; run: () => void };
}

const [toasts, setToasts] = createSignal<Toast[]>([]);
const shortly = 2_500;
const longEnoughToAct = 8_000;

function show(toast: Toast): void {
  setToasts((all) => [...all.slice(-2), toast]);
  setTimeout(() => drop(toast), toast.action || toast.fault ? longEnoughToAct : shortly);
}
const drop = (toast: Toast) => setToasts((all) => all.filter((one) => one !== toast));

export const say = (text: string, action?: Toast["action"]): void => show({ text, fault: false, action });
export const sayFault = (text: string): void => show({ text, fault: true });

export const Toasts = () => (
  <div class="toasts" role="status" aria-live="polite">
    <For each={toasts()}>
      {(toast) => (
        <div class="toast" classList={{ fault: toast.fault }}>
          <span>{toast.text}</span>
          {toast.action && (
            <button type="button" class="text" onClick={() => (toast.action!.run(), drop(toast))}>
              {toast.action.label}
            </button>
          )}
        </div>
      )}
    </For>
  </div>
);
