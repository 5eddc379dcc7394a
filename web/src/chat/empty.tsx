// Before the first message: the mark, and what to do.
import { Match, Switch } from "solid-js";
import { config, currentModel } from "../state/server";
import { Mark } from "../ui/mark";
import { t } from "../words/words";
import { fault, id } from "./conversation";

export const Empty = () => (
  <div class="empty">
    <Switch fallback={<Mark class="pulse" />}>
      <Match when={fault() !== undefined}>
        <Mark />
        <p class="empty-line">{fault() || t("chat.gone")}</p>
      </Match>
      <Match when={id() === null && config() && !currentModel()}>
        <Mark />
        <p class="empty-line">{t("models.none")}</p>
        <p>
          <code>shenbi pull gemma3:270m</code>
        </p>
      </Match>
      <Match when={id() === null}>
        <Mark />
        <p class="empty-line">{t("chat.welcome")}</p>
      </Match>
    </Switch>
  </div>
);
