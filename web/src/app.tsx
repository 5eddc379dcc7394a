// The frame: the rail, the room, and what lies above them.
import { createMemo, lazy, Show, Suspense } from "solid-js";
import { Dynamic } from "solid-js/web";
import { reached, refused } from "./api/http";
import { rooms } from "./rooms/rooms";
import { route } from "./state/route";
import { KeyDialog } from "./ui/key_dialog";
import { top } from "./ui/layers";
import { Rail } from "./ui/rail";
import { Toasts } from "./ui/toast";
import { t } from "./words/words";

const Palette = lazy(async () => ({ default: (await import("./ui/palette")).Palette }));
const PromptPicker = lazy(() => import("./prompts/prompt_picker"));
const ShortcutSheet = lazy(async () => ({ default: (await import("./ui/shortcuts")).ShortcutSheet }));

export function App() {
  const room = createMemo(() => rooms.find((one) => one.id === route().room) ?? rooms[0]!);
  return (
    <>
      <Show when={!reached()}>
        <p class="away" role="alert">{t("fault.network")}</p>
      </Show>
      <div class="app">
        <Rail />
        <Suspense fallback={<main class="room" />}>
          <Dynamic component={room().view} />
        </Suspense>
      </div>
      <Suspense>
        <Show when={top() === "palette"}>
          <Palette />
        </Show>
        <Show when={top() === "prompts"}>
          <PromptPicker />
        </Show>
        <Show when={top() === "shortcuts"}>
          <ShortcutSheet />
        </Show>
      </Suspense>
      <Show when={refused()}>
        <KeyDialog />
      </Show>
      <Toasts />
    </>
  );
}
