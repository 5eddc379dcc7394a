// The list of conversations: what the server has, newest first, page by page; folders; and a search over all of it.
import { createSignal } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import * as page from "../api/page";
import type { Folder, Summary } from "../api/types";
import { go, route } from "../state/route";
import { attempt } from "../ui/faults";
import { say } from "../ui/toast";
import { t } from "../words/words";

const pageLength = 60;

// Rows keep their identity over a refresh: a name that is being edited is not torn away by an answer that ends.
const [lists, setLists] = createStore<{ summaries: Summary[]; folders: Folder[] }>({ summaries: [], folders: [] });
export const summaries = (): Summary[] => lists.summaries;
export const folders = (): Folder[] => lists.folders;
const setSummaries = (all: Summary[]) => setLists("summaries", reconcile(all, { key: "id" }));
const setFolders = (all: Folder[]) => setLists("folders", reconcile(all, { key: "id" }));

const [complete, setComplete] = createSignal(false);
const [loaded, setLoaded] = createSignal(false);
export { complete, loaded };

export async function refreshHistory(): Promise<void> {
  const limit = Math.max(pageLength, summaries().length);
  try {
    const [newest, allFolders] = await Promise.all([page.listConversations({ limit }), page.listFolders()]);
    setSummaries(newest);
    setFolders(allFolders);
    setComplete(newest.length < limit);
    setLoaded(true);
  } catch {
    // the room says that the server is away; the list stays as it was
  }
}

export async function loadOlder(): Promise<void> {
  const before = summaries().at(-1)?.updated;
  if (complete() || before === undefined) return;
  const older = await attempt(() => page.listConversations({ limit: pageLength, before }));
  if (!older) return;
  setComplete(older.length < pageLength);
  const known = new Set(summaries().map((one) => one.id));
  setSummaries([...summaries(), ...older.filter((one) => !known.has(one.id))]);
}

/** The conversations of a folder that lie further back than what is loaded. */
export async function loadFolder(folder: string): Promise<void> {
  const inside = await attempt(() => page.listConversations({ folder }));
  const known = new Set(summaries().map((one) => one.id));
  if (!inside) return;
  const all = [...summaries(), ...inside.filter((one) => !known.has(one.id))];
  setSummaries(all.sort((a, b) => b.updated - a.updated));
}

export async function change(id: string, what: Parameters<typeof page.patchConversation>[1]): Promise<void> {
  const summary = await attempt(() => page.patchConversation(id, what));
  if (summary) setSummaries(summaries().map((one) => (one.id === id ? { ...one, ...summary } : one)));
  if ("folder" in what) void refreshHistory();
}

export async function remove(id: string): Promise<void> {
  const gone = await attempt(async () => (await page.deleteConversation(id), true));
  if (!gone) return;
  setSummaries(summaries().filter((one) => one.id !== id));
  const wasOpen = route().id === id;
  if (wasOpen) go("chat");
  say(t("history.deleted"), {
    label: t("undo"),
    run: () =>
      void attempt(async () => {
        await page.restoreConversation(id);
        await refreshHistory();
        if (wasOpen) go("chat", id);
      }),
  });
}

export async function addFolder(name: string): Promise<void> {
  await attempt(() => page.createFolder(name));
  await refreshHistory();
}

export async function nameFolder(id: string, name: string): Promise<void> {
  await attempt(() => page.renameFolder(id, name));
  await refreshHistory();
}

export async function removeFolder(id: string): Promise<void> {
  await attempt(() => page.deleteFolder(id));
  await refreshHistory();
}
