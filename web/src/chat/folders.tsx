// Folders in the list of conversations.
import { createMemo, createSignal, For, Show } from "solid-js";
import type { Folder } from "../api/types";
import { stored } from "../state/stored";
import { IconEdit, IconFolder, IconFold, IconMore, IconTrash } from "../ui/icons";
import { MenuItem, Popover } from "../ui/popover";
import { t } from "../words/words";
import { addFolder, loadFolder, nameFolder, removeFolder, summaries } from "./history";
import { HistoryItem } from "./history_item";
import { RenameField } from "./rename_field";

const [openFolders, setOpenFolders] = stored<string[]>("open-folders", []);

export function FolderSection(props: { folder: Folder }) {
  const [renaming, setRenaming] = createSignal(false);
  const isOpen = () => openFolders().includes(props.folder.id);
  const items = createMemo(() => summaries().filter((one) => one.folder === props.folder.id && !one.pinned));
  const toggle = () => {
    setOpenFolders(isOpen() ? openFolders().filter((id) => id !== props.folder.id) : [...openFolders(), props.folder.id]);
    if (isOpen()) void loadFolder(props.folder.id);
  };
  return (
    <section>
      <div class="row">
        <Show
          when={!renaming()}
          fallback={
            <RenameField
              value={props.folder.name}
              label={t("rename")}
              keep={(name) => void nameFolder(props.folder.id, name)}
              close={() => setRenaming(false)}
            />
          }
        >
          <button type="button" class="item folder" classList={{ open: isOpen() }} aria-expanded={isOpen()} onClick={toggle}>
            <IconFolder />
            <span class="item-title" dir="auto">{props.folder.name}</span>
            <span class="count">{props.folder.count}</span>
            <IconFold />
          </button>
          <Popover class="tool small" label={t("history.actions", { title: props.folder.name })} button={<IconMore />}>
            {(close) => (
              <div class="menu">
                <MenuItem icon={<IconEdit />} run={() => (close(), setRenaming(true))}>{t("rename")}</MenuItem>
                <MenuItem icon={<IconTrash />} danger run={() => (close(), void removeFolder(props.folder.id))}>{t("folder.delete")}</MenuItem>
              </div>
            )}
          </Popover>
        </Show>
      </div>
      <Show when={isOpen()}>
        <ul class="inside">
          <For each={items()} fallback={<li class="quiet-line">{t("folder.empty")}</li>}>
            {(item) => <HistoryItem item={item} />}
          </For>
        </ul>
      </Show>
    </section>
  );
}

export function NewFolder() {
  const [naming, setNaming] = createSignal(false);
  return (
    <Show
      when={naming()}
      fallback={
        <button type="button" class="item folder faint" onClick={() => setNaming(true)}>
          <IconFolder />
          <span class="item-title">{t("folder.new")}</span>
        </button>
      }
    >
      <RenameField value="" label={t("folder.name")} keep={(name) => void addFolder(name)} close={() => setNaming(false)} />
    </Show>
  );
}
