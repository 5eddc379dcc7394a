// The open conversation: its messages, the branch that is shown, and the answers that are running. Everything a click can
// do to it is a function here; the server's reply is the truth, and is put in place of what was assumed.
import { batch, createMemo, createRoot, createSignal } from "solid-js";
import { createStore, produce, reconcile } from "solid-js/store";
import * as page from "../api/page";
import { ApiError } from "../api/http";
import type { Message } from "../api/types";
import { replace } from "../state/route";
import { params } from "../state/preferences";
import { currentModel } from "../state/server";
import { faultText } from "../ui/faults";
import { t } from "../words/words";
import { followAnswer } from "./follow_answer";
import { refreshHistory } from "./history";
import { Tree, type Link } from "./tree";

const [id, setId] = createSignal<string | null>(null);
const [links, setLinks] = createSignal<Link[]>([]);
const [leaf, setLeaf] = createSignal<string | null>(null);
const [fault, setFault] = createSignal<string>();
const [loading, setLoading] = createSignal(false);
const [reconnecting, setReconnecting] = createSignal(false);
const [messages, setMessages] = createStore<Record<string, Message>>({});
export { id, leaf, fault, loading, reconnecting, messages };

export const { tree, path, running } = createRoot(() => {
  const tree = createMemo(() => new Tree(links()));
  const path = createMemo(() => tree().pathTo(leaf()));
  const running = createMemo(() => path().find((one) => messages[one]?.status === "running"));
  return { tree, path, running };
});

/** How many requests of others come before an answer that has not begun. */
export const [ahead, setAhead] = createStore<Record<string, number>>({});

/** When thinking began and ended, as far as this page has seen it: seconds since 1970. */
export const [thinkingTimes, setThinkingTimes] = createStore<Record<string, { from: number; to?: number }>>({});

let streams = new AbortController();

export function close(): void {
  streams.abort();
  streams = new AbortController();
  batch(() => {
    setId(null);
    setLinks([]);
    setLeaf(null);
    setFault(undefined);
    setLoading(false);
    setReconnecting(false);
    setMessages(produce((all) => Object.keys(all).forEach((one) => delete all[one])));
  });
}

let opening = Promise.resolve();

/** Shows a conversation; asking for the open one again helps only where it could not be had before. */
export function open(next: string | null): void {
  if (next !== id() || fault() !== undefined) opening = fetchAndShow(next);
}

async function fetchAndShow(next: string | null): Promise<void> {
  close();
  setId(next);
  if (next === null) return;
  setLoading(true);
  try {
    const conversation = await page.getConversation(next);
    if (id() !== next) return;
    batch(() => {
      conversation.messages.forEach(put);
      setLeaf(conversation.leaf ?? conversation.messages.at(-1)?.id ?? null);
    });
    for (const message of conversation.messages) if (message.status === "running") void follow(message.id);
  } catch (error) {
    if (id() === next) setFault(error instanceof ApiError && error.status === 404 ? t("chat.gone") : faultText(error));
  }
  if (id() === next) setLoading(false);
}

function put(message: Message): void {
  setMessages(message.id, reconcile(message)); // not merged: a field that is gone there is gone here
  setLinks((all) => (all.some((one) => one.id === message.id) ? all : [...all, { id: message.id, parent: message.parent }]));
}

/** Asks below `parent`, or where the shown branch ends; throws when the server did not take the question. */
export async function ask(content: string, below?: string | null): Promise<void> {
  await opening; // a question that was faster than its conversation
  const parent = below === undefined ? leaf() : below;
  const model = currentModel()?.id;
  if (!model) throw new ApiError(0, t("model.none"));
  const known = id();
  const conversation = known ?? (await begin(content));
  try {
    const { user, answer } = await page.ask(conversation, { parent, content, model, params: params() });
    if (id() === conversation) show(answer, user);
  } catch (error) {
    if (known === null) await abandon(conversation);
    throw error;
  } finally {
    void refreshHistory();
  }
}

async function begin(content: string): Promise<string> {
  const conversation = await page.createConversation(titleOf(content));
  setId(conversation.id);
  replace("chat", conversation.id);
  return conversation.id;
}

/** A conversation whose first question was refused leaves nothing behind. */
async function abandon(conversation: string): Promise<void> {
  await page.deleteConversation(conversation).catch(() => {});
  if (id() !== conversation) return;
  setId(null);
  replace("chat");
}

/** The first words of the first question, until someone writes a better title. */
function titleOf(content: string): string {
  const line = content.trim().split("\n", 1)[0]!.slice(0, 400).replace(/\s+/g, " ");
  const letters = [...line];
  return letters.length > 48 ? `${letters.slice(0, 47).join("")}…` : line;
}

/** An edit is a sibling of the question it replaces. */
export const edit = (question: string, content: string) => ask(content, messages[question]!.parent);

export async function regenerate(answer: string, model?: string): Promise<void> {
  const old = messages[answer]!;
  const next = await page.answerAgain(old.parent!, model ?? currentModel()?.id ?? old.model, params());
  show(next.answer);
}

export async function stop(answer: string): Promise<void> {
  const { message } = await page.stopAnswer(answer);
  if (messages[answer]) put(message);
}

export async function goOn(answer: string): Promise<void> {
  show((await page.continueAnswer(answer, params())).answer);
}

export async function switchTo(sibling: string): Promise<void> {
  const next = tree().newestLeaf(sibling);
  setLeaf(next);
  await page.patchConversation(id()!, { leaf: next });
}

function show(answer: Message, user?: Message): void {
  batch(() => {
    if (user) put(user);
    put(answer);
    setLeaf(answer.id);
  });
  void follow(answer.id);
}

function follow(answer: string): Promise<void> {
  const now = () => Date.now() / 1000;
  return followAnswer(
    answer,
    {
      snapshot: put,
      grow: (text, thinking) =>
        batch(() => {
          if (thinking && !thinkingTimes[answer]) setThinkingTimes(answer, { from: now() });
          if (text && thinkingTimes[answer] && !thinkingTimes[answer].to) setThinkingTimes(answer, "to", now());
          if (text) setMessages(answer, "content", (old) => old + text);
          if (thinking) setMessages(answer, "thinking", (old) => (old ?? "") + thinking);
        }),
      queued: (count) => setAhead(answer, count),
      warning: (text) => setMessages(answer, "warnings", (old) => [...(old ?? []), text]),
      done: (message) => {
        if (thinkingTimes[answer] && !thinkingTimes[answer].to) setThinkingTimes(answer, "to", now());
        put(message);
        void refreshHistory();
      },
      waiting: setReconnecting,
      refused: (error) => setMessages(answer, { status: "failed", error: faultText(error) }),
    },
    streams.signal,
  );
}
