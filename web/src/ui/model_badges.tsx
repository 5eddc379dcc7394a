// What to know of a model beside its name: where it runs, and whether it is a base model.
import { Show } from "solid-js";
import type { Model } from "../api/types";
import { isLocal } from "../state/server";
import { t } from "../words/words";

export const ModelBadges = (props: { model: Model }) => (
  <span class="badges">
    <Show when={isLocal(props.model)}>
      <span class="badge">{t("model.local")}</span>
    </Show>
    <Show when={!props.model.chat}>
      <span class="badge amber">{t("model.base")}</span>
    </Show>
  </span>
);
