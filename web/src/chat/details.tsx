// The receipt of one answer.
import { For, Show } from "solid-js";
import { count, moment, money, rate, seconds } from "../ui/format";
import { IconClose } from "../ui/icons";
import { t } from "../words/words";
import { messages } from "./conversation";
import { setPanel } from "./panel";

export default function Details(props: { message: string }) {
  const message = () => messages[props.message];
  const rows = (): [string, string][] => {
    const one = message();
    const usage = one?.usage;
    if (!one) return [];
    return [
      [t("details.model"), one.model],
      [t("details.time"), moment(one.created)],
      [t("details.status"), t(`status.${one.status}`)],
      ...(one.finish ? [[t("details.finish"), one.finish] as [string, string]] : []),
      ...(usage
        ? ([
            [t("details.prompt"), count(usage.prompt_tokens)],
            [t("details.cached"), count(usage.cached_tokens)],
            [t("details.completion"), count(usage.completion_tokens)],
            [t("details.reasoning"), count(usage.reasoning_tokens)],
            [t("details.first"), seconds(usage.first_token_s)],
            [t("details.whole"), seconds(usage.seconds)],
            [t("details.rate"), t("rate", { n: rate(usage.tokens_per_s) })],
            ...(usage.cost_nano_usd === undefined ? [] : [[t("details.cost"), usage.cost_nano_usd === null ? t("details.unknown") : money(usage.cost_nano_usd)]]),
          ] as [string, string][])
        : []),
      [t("details.id"), one.id],
    ];
  };
  return (
    <aside class="side" aria-label={t("details.title")}>
      <header class="head">
        <h2 class="title">{t("details.title")}</h2>
        <button type="button" class="tool" aria-label={t("close")} title={t("close")} onClick={() => setPanel(undefined)}>
          <IconClose />
        </button>
      </header>
      <div class="side-body">
        <dl class="facts">
          <For each={rows()}>
            {([name, value]) => (
              <div>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            )}
          </For>
        </dl>
        <Show when={message()?.usage}>
          {(usage) => (
            <details>
              <summary>{t("details.raw")}</summary>
              <pre class="raw">{JSON.stringify(usage(), null, 2)}</pre>
            </details>
          )}
        </Show>
      </div>
    </aside>
  );
}
