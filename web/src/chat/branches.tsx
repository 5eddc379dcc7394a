// < 2/3 >: the siblings of a message.
import { Show } from "solid-js";
import { attempt } from "../ui/faults";
import { IconLeft, IconRight } from "../ui/icons";
import { t } from "../words/words";
import { switchTo, tree } from "./conversation";

export function Branches(props: { id: string }) {
  const siblings = () => tree().siblings(props.id);
  const at = () => siblings().indexOf(props.id);
  const step = (by: number) => {
    const next = siblings()[at() + by];
    if (next) void attempt(() => switchTo(next));
  };
  return (
    <Show when={siblings().length > 1}>
      <span class="branches" role="group" aria-label={t("branch.label")}>
        <button type="button" class="tool small" disabled={at() === 0} aria-label={t("branch.previous")} onClick={() => step(-1)}>
          <IconLeft />
        </button>
        <span class="branch-count">{at() + 1}/{siblings().length}</span>
        <button type="button" class="tool small" disabled={at() === siblings().length - 1} aria-label={t("branch.next")} onClick={() => step(1)}>
          <IconRight />
        </button>
      </span>
    </Show>
  );
}
