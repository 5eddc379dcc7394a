// The quiet line: model · tokens in and out · time to first token · tokens/s · cost. A click opens the details.
import { Show } from "solid-js";
import { count, money, rate, seconds } from "../ui/format";
import { t } from "../words/words";
import { messages } from "./conversation";
import { panel, toggleDetails } from "./panel";

export function AnswerLine(props: { id: string }) {
  const usage = () => messages[props.id]?.usage;
  const isOpen = () => {
    const open = panel();
    return open?.kind === "details" && open.message === props.id;
  };
  return (
    <button type="button" class="answer-line" aria-expanded={isOpen()} title={t("details.open")} onClick={() => toggleDetails(props.id)}>
      <span class="answer-model">{messages[props.id]?.model}</span>
      <Show when={usage()}>
        {(figures) => (
          <>
            <span title={t("details.tokens")}>
              {count(figures().prompt_tokens)} → {count(figures().completion_tokens)}
            </span>
            <span class="wide" title={t("details.first")}>{seconds(figures().first_token_s)}</span>
            <span>{t("rate", { n: rate(figures().tokens_per_s) })}</span>
            <Show when={figures().cost_nano_usd}>{(cost) => <span title={t("details.cost")}>{money(cost())}</span>}</Show>
          </>
        )}
      </Show>
    </button>
  );
}
