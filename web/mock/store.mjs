// Conversations, messages and folders in memory.
import { Refusal } from "./refusal.mjs";

export const conversations = new Map(); // id -> {id, title, folder, pinned, created, updated, leaf, messages: [Message]}
export const deleted = new Map();
export const folders = new Map();
let next = 1;

export const newId = (kind) => `${kind}_${(next++).toString(36).padStart(4, "0")}`;
export const now = () => Date.now() / 1000;

export function conversationOf(id) {
  const found = conversations.get(id);
  if (!found) throw new Refusal(404, `conversation '${id}' does not exist`);
  return found;
}

export function messageOf(id) {
  for (const conversation of conversations.values()) {
    const message = conversation.messages.find((one) => one.id === id);
    if (message) return { conversation, message };
  }
  throw new Refusal(404, `message '${id}' does not exist`);
}

export function newConversation({ title = "", folder = null }) {
  const time = now();
  const conversation = { id: newId("conv"), title, folder, pinned: false, created: time, updated: time, leaf: null, messages: [] };
  conversations.set(conversation.id, conversation);
  return conversation;
}

export function addMessage(conversation, fields) {
  const message = { id: newId("msg"), parent: null, content: "", thinking: "", model: "", created: now(), status: "done", ...fields };
  conversation.messages.push(message);
  conversation.leaf = message.id;
  conversation.updated = now();
  return message;
}

export const summaryOf = ({ messages, leaf, ...rest }) => ({ ...rest, messages: messages.length });

/** The conversations that contain the text, each with a snippet around the first match. */
export function search(text) {
  const sought = text.toLowerCase();
  return [...conversations.values()].flatMap((conversation) => {
    for (const content of [...conversation.messages.map((one) => one.content), conversation.title]) {
      const at = content.toLowerCase().indexOf(sought);
      if (at < 0) continue;
      const from = Math.max(0, at - 30);
      const end = at + sought.length;
      const snippet = `${from ? "…" : ""}${content.slice(from, at)}\u0002${content.slice(at, end)}\u0003${content.slice(end, end + 60)}`;
      return [{ ...summaryOf(conversation), snippet }];
    }
    return [];
  });
}
