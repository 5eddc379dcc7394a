// Before the first message: the mark, and what to do.
import { Match, Switch } from "solid-js";
import { reached } from "../api/http";
import { go } from "../state/route";
import { config, currentModel } from "../state/server";
import { Mark } from "../ui/mark";
import { t } from "../words/words";
import { fault, loading } from "./conversation";

export const Empty = () => (
  <div class="empty">
    <Switch>
      <Match when={loading()}>
        <Mark class="pulse" />
      </Match>
      <Match when={fault()}>
        <Mark />
        <p class="empty-line">{reached() && fault()}</p>
      </Match>
      <Match when={config() && !currentModel()}>
        <Mark />
        <p class="empty-line">{t("models.none")}</p>
        <button type="button" class="button primary" onClick={() => go("models")}>{t("models.get")}</button>
      </Match>
      <Match when={true}>
        <Mark />
        <p class="empty-line">{t("chat.welcome")}</p>
      </Match>
    </Switch>
  </div>
);
