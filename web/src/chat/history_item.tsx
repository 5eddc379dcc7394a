// One conversation in the list, and what can be done with it.
import { createSignal, For, Show } from "solid-js";
import { exportConversation } from "../api/page";
import type { Summary } from "../api/types";
import { address, route } from "../state/route";
import { attempt } from "../ui/faults";
import { IconDownload, IconEdit, IconFolder, IconMore, IconPin, IconTrash } from "../ui/icons";
import { MenuItem, Popover } from "../ui/popover";
import { saveFile } from "../ui/save";
import { t } from "../words/words";
import { change, folders, remove } from "./history";
import { RenameField } from "./rename_field";

export function HistoryItem(props: { item: Summary }) {
  const [renaming, setRenaming] = createSignal(false);
  const title = () => props.item.title || t("chat.untitled");
  return (
    <li class="row">
      <Show
        when={!renaming()}
        fallback={
          <RenameField
            value={props.item.title}
            label={t("rename")}
            keep={(name) => void change(props.item.id, { title: name })}
            close={() => setRenaming(false)}
          />
        }
      >
        <a
          class="item"
          href={address("chat", props.item.id)}
          aria-current={route().id === props.item.id ? "page" : undefined}
          title={title()}
          onDblClick={() => setRenaming(true)}
        >
          <span class="item-title" dir="auto">{title()}</span>
        </a>
        <Popover class="tool small" label={t("history.actions", { title: title() })} button={<IconMore />}>
          {(close) => <Actions item={props.item} rename={() => setRenaming(true)} close={close} />}
        </Popover>
      </Show>
    </li>
  );
}

function Actions(props: { item: Summary; rename: () => void; close: () => void }) {
  const act = (work: () => unknown) => () => {
    props.close();
    void work();
  };
  const save = (format?: "markdown") =>
    attempt(async () => {
      const response = await exportConversation(props.item.id, format);
      saveFile(`${fileName(props.item.title)}.${format ? "md" : "json"}`, await response.blob());
    });
  return (
    <div class="menu">
      <MenuItem icon={<IconEdit />} run={act(props.rename)}>{t("rename")}</MenuItem>
      <MenuItem icon={<IconPin />} run={act(() => change(props.item.id, { pinned: !props.item.pinned }))}>
        {props.item.pinned ? t("history.unpin") : t("history.pin")}
      </MenuItem>
      <For each={folders().filter((folder) => folder.id !== props.item.folder)}>
        {(folder) => (
          <MenuItem icon={<IconFolder />} run={act(() => change(props.item.id, { folder: folder.id }))}>
            {t("history.move", { folder: folder.name })}
          </MenuItem>
        )}
      </For>
      <Show when={props.item.folder}>
        <MenuItem icon={<IconFolder />} run={act(() => change(props.item.id, { folder: null }))}>{t("history.move-out")}</MenuItem>
      </Show>
      <MenuItem icon={<IconDownload />} run={act(() => save("markdown"))}>{t("export.markdown")}</MenuItem>
      <MenuItem icon={<IconDownload />} run={act(() => save())}>{t("export.json")}</MenuItem>
      <MenuItem icon={<IconTrash />} danger run={act(() => remove(props.item.id))}>{t("delete")}</MenuItem>
    </div>
  );
}

const fileName = (title: string): string => title.replace(/[\\/:*?"<>|\p{Cc}]+/gu, " ").trim().slice(0, 60) || "shenbi";
