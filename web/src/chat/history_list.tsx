// The conversations: pinned ones, folders, then the rest by date; or what a search found.
import { createMemo, createResource, createSignal, For, onCleanup, onMount, Show } from "solid-js";
import { listConversations } from "../api/page";
import type { Summary } from "../api/types";
import { address, go } from "../state/route";
import { dateGroup } from "../ui/format";
import { IconClose, IconNew, IconSearch } from "../ui/icons";
import { soon } from "../ui/soon";
import { t } from "../words/words";
import { FolderSection, NewFolder } from "./folders";
import { complete, folders, loaded, loadOlder, summaries } from "./history";
import { HistoryItem } from "./history_item";
import { Snippet } from "./snippet";

export function HistoryList(props: { chosen: () => void }) {
  const [query, setQuery] = createSignal("");
  return (
    <nav class="list" aria-label={t("history.title")}>
      <div class="list-head">
        <label class="search">
          <IconSearch />
          <input
            type="text"
            value={query()}
            placeholder={t("history.search")}
            aria-label={t("history.search")}
            onInput={(event) => setQuery(event.currentTarget.value)}
            onKeyDown={(event) => event.key === "Escape" && query() && (setQuery(""), event.preventDefault())}
          />
          <Show when={query()}>
            <button type="button" class="tool small" aria-label={t("search.clear")} onClick={() => setQuery("")}>
              <IconClose />
            </button>
          </Show>
        </label>
        <button type="button" class="tool framed" aria-label={t("chat.new")} title={t("chat.new")} onClick={() => (go("chat"), props.chosen())}>
          <IconNew />
        </button>
      </div>
      <div class="list-body" onClick={(event) => (event.target as Element).closest("a") && props.chosen()}>
        <Show when={query().trim()} fallback={<Everything />}>
          <Found query={query().trim()} />
        </Show>
      </div>
    </nav>
  );
}

function Everything() {
  const pinned = createMemo(() => summaries().filter((one) => one.pinned));
  const groups = createMemo(() => byDate(summaries().filter((one) => !one.pinned && one.folder === null)));
  return (
    <>
      <Section name={t("history.pinned")} items={pinned()} />
      <For each={folders()}>{(folder) => <FolderSection folder={folder} />}</For>
      <For each={[...groups().keys()]}>{(name) => <Section name={name} items={groups().get(name) ?? []} />}</For>
      <Show when={loaded() && !summaries().length}>
        <p class="quiet-line">{t("history.empty")}</p>
      </Show>
      <Show when={!complete()}>
        <Older />
      </Show>
      <Show when={summaries().length}>
        <NewFolder />
      </Show>
    </>
  );
}

function byDate(items: Summary[]): Map<string, Summary[]> {
  const groups = new Map<string, Summary[]>();
  for (const item of items) {
    const name = dateGroup(item.updated);
    groups.set(name, [...(groups.get(name) ?? []), item]);
  }
  return groups;
}

const Section = (props: { name: string; items: Summary[] }) => (
  <Show when={props.items.length}>
    <section>
      <h2 class="group">{props.name}</h2>
      <ul>
        <For each={props.items}>{(item) => <HistoryItem item={item} />}</For>
      </ul>
    </section>
  </Show>
);

/** Coming into sight, it asks for what is older. */
function Older() {
  let node!: HTMLDivElement;
  onMount(() => {
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && void loadOlder());
    observer.observe(node);
    onCleanup(() => observer.disconnect());
  });
  return <div ref={node} class="older" />;
}

function Found(props: { query: string }) {
  const query = soon(() => props.query, 200);
  const [found] = createResource(query, (q) => listConversations({ q, limit: 50 }).catch(() => []), { initialValue: [] });
  return (
    <>
      <ul aria-busy={found.loading}>
        <For each={found.latest}>
          {(item) => (
            <li>
              <a class="item found" href={address("chat", item.id)}>
                <span class="item-title" dir="auto">{item.title || t("chat.untitled")}</span>
                <Snippet text={item.snippet ?? ""} />
              </a>
            </li>
          )}
        </For>
      </ul>
      <Show when={!found.loading && !found.latest.length}>
        <p class="quiet-line">{t("search.none")}</p>
      </Show>
    </>
  );
}
