// Tokens of the next prompt beside the model's context; it speaks up before the context overflows.
import { Show } from "solid-js";
import type { Estimate } from "../api/types";
import { params } from "../state/preferences";
import { count } from "../ui/format";
import { t } from "../words/words";

const nearlyFull = 0.85;
const roomForAnswer = 256; // tokens an answer should find left when no length is set

export function ContextMeter(props: { estimate: Estimate | undefined }) {
  const level = (): "amber" | "rust" | undefined => {
    const { tokens, context } = props.estimate!;
    if (!context) return undefined;
    if (tokens >= context) return "rust";
    return tokens > context * nearlyFull || tokens + (params().max_tokens ?? roomForAnswer) > context ? "amber" : undefined;
  };
  return (
    <Show when={props.estimate}>
      {(estimate) => (
        <span class={`meter ${level() ?? ""}`} role="status" title={t("meter.title")}>
          <Show when={level()}>
            <span>{level() === "rust" ? t("meter.over") : t("meter.near")}</span>
          </Show>
          <span class="figures">
            {count(estimate().tokens)} / {count(estimate().context)}
          </span>
        </span>
      )}
    </Show>
  );
}
