// Which key press sends. The Enter that ends an IME composition never does: browsers mark it by isComposing or, Safari,
// by the key code 229; Chrome on macOS may deliver it just after compositionend.
import { sendKey } from "../state/preferences";

let composing = false;
let composedAt = -Infinity;
const justAfterMs = 40; // the late Enter follows within one frame or two; nobody types a second Enter that fast

addEventListener("compositionstart", () => (composing = true), true);
addEventListener("compositionend", (event) => ((composing = false), (composedAt = event.timeStamp)), true);

export function sendsMessage(event: KeyboardEvent): boolean {
  if (event.key !== "Enter" || event.shiftKey || event.altKey) return false;
  if (composing || event.isComposing || event.keyCode === 229 || event.timeStamp - composedAt < justAfterMs) return false;
  return sendKey() === "enter" || event.ctrlKey || event.metaKey;
}
