// The routes of docs/page-api.md: [method, path, handler]. A handler returns the body; undefined is 204.
import { arenaRoutes } from "./arena.mjs";
import { compareRoutes } from "./compare.mjs";
import { Refusal } from "./refusal.mjs";
import { budgetRoutes } from "./budgets.mjs";
import { catalogRoutes } from "./catalog.mjs";
import { usageRoutes } from "./usage.mjs";
import { modelRoutes } from "./models.mjs";
import { keyRoutes, promptRoutes } from "./prompts_and_keys.mjs";
import { continueAnswer, dropListeners, endAnswer, listen, startAnswer, nextTurn } from "./running.mjs";
import { addMessage, conversationOf, conversations, deleted, folders, messageOf, newConversation, newId, search, summaryOf } from "./store.mjs";

const models = [
  { id: "gemma3:270m", owner: "google", chat: false, context: 32768, bytes: 253118016, parameters: 268098176, quantisation: "Q4_K_M", loaded: true },
  { id: "llama3.2:1b", owner: "meta", chat: true, context: 131072, bytes: 807694464, parameters: 1235814400, quantisation: "Q4_K_M", loaded: false },
  { id: "qwen3:4b", owner: "qwen", chat: true, context: 2048, bytes: 2889513344, parameters: 4022468096, quantisation: "Q5_K_M", loaded: false },
]; // prettier-ignore

const at = (path) => new RegExp(`^${path.replaceAll("ID", "([^/]+)")}$`);
const folderOf = (id) => {
  if (!folders.has(id)) throw new Refusal(404, `folder '${id}' does not exist`);
  return folders.get(id);
};
const listFolders = () => [...folders.values()].map((one) => ({ ...one, count: [...conversations.values()].filter((c) => c.folder === one.id).length }));
const tokensOf = (text) => Math.ceil(Buffer.byteLength(text) / 4);

function list({ query }) {
  const text = query.get("q");
  let found = text ? search(text) : [...conversations.values()].map(summaryOf);
  if (query.get("folder")) found = found.filter((one) => one.folder === query.get("folder"));
  if (query.get("before")) found = found.filter((one) => one.updated < Number(query.get("before")));
  found.sort((a, b) => b.updated - a.updated);
  return { conversations: found.slice(0, Number(query.get("limit") ?? 100)) };
}

function ask({ ids: [id], body }) {
  const conversation = conversationOf(id);
  if (!models.some((one) => one.id === body.model)) throw new Refusal(404, `model '${body.model}' does not exist`);
  if (body.content.includes("refuse")) throw new Refusal(400, "content: the prompt is longer than the context of the model");
  const user = addMessage(conversation, { role: "user", content: body.content, parent: body.parent });
  return { user, answer: startAnswer(conversation, user, body.model) };
}

function markdown(conversation) {
  return conversation.messages.map((one) => `## ${one.role}\n\n${one.content}\n`).join("\n");
}

function exported({ query, response }) {
  const id = query.get("conversation");
  const chosen = id ? [conversationOf(id)] : [...conversations.values()];
  if (query.get("format") === "markdown") {
    response.writeHead(200, { "content-type": "text/markdown; charset=utf-8" });
    response.end(chosen.map((one) => `# ${one.title}\n\n${markdown(one)}`).join("\n"));
    return response;
  }
  return { shenbi: 1, folders: listFolders(), conversations: chosen };
}

function imported({ body }) {
  if (body.shenbi !== 1) throw new Refusal(400, "the file is no export of Shenbi, ChatGPT or Open WebUI");
  let messages = 0;
  for (const one of body.conversations) {
    const ids = new Map();
    const copy = newConversation({ title: one.title });
    for (const message of one.messages) {
      const added = addMessage(copy, { ...message, id: newId("msg"), parent: ids.get(message.parent) ?? null });
      ids.set(message.id, added.id);
      messages++;
    }
    copy.updated = one.updated ?? copy.updated;
  }
  return { conversations: body.conversations.length, messages, skipped: [{ what: "1 picture", why: "pictures are not kept" }] };
}

export const routes = [
  ...modelRoutes(at, models),
  ["GET", at("/page/config"), () => ({ version: "mock", needs_key: false, models })],
  ["GET", at("/page/conversations"), list],
  ["POST", at("/page/conversations"), ({ body }) => newConversation(body)],
  ["GET", at("/page/conversations/ID"), ({ ids: [id] }) => conversationOf(id)],
  ["PATCH", at("/page/conversations/ID"), ({ ids: [id], body }) => summaryOf(Object.assign(conversationOf(id), body))],
  ["DELETE", at("/page/conversations/ID"), ({ ids: [id] }) => {
    deleted.set(id, conversationOf(id));
    conversations.delete(id);
  }],
  ["POST", at("/page/conversations/ID/restore"), ({ ids: [id] }) => {
    if (!deleted.has(id)) throw new Refusal(404, `conversation '${id}' cannot be brought back`);
    conversations.set(id, deleted.get(id));
    return summaryOf(deleted.get(id));
  }],
  ["POST", at("/page/conversations/ID/ask"), ask],
  ["GET", at("/page/folders"), () => ({ folders: listFolders() })],
  ["POST", at("/page/folders"), ({ body }) => {
    const folder = { id: newId("folder"), name: body.name };
    folders.set(folder.id, folder);
    return { folders: listFolders() };
  }],
  ["PATCH", at("/page/folders/ID"), ({ ids: [id], body }) => (Object.assign(folderOf(id), body), { folders: listFolders() })],
  ["DELETE", at("/page/folders/ID"), ({ ids: [id] }) => {
    folders.delete(folderOf(id).id);
    for (const one of conversations.values()) if (one.folder === id) one.folder = null;
    return { folders: listFolders() };
  }],
  ["POST", at("/page/messages/ID/answer"), ({ ids: [id], body }) => {
    const { conversation, message } = messageOf(id);
    return { answer: startAnswer(conversation, message, body.model) };
  }],
  ["POST", at("/page/messages/ID/stop"), ({ ids: [id] }) => {
    const { message } = messageOf(id);
    if (message.status === "running") endAnswer(message, "stopped");
    return { message };
  }],
  ["POST", at("/page/messages/ID/continue"), ({ ids: [id] }) => {
    const { message } = messageOf(id);
    continueAnswer(message);
    return { answer: message };
  }],
  ["GET", at("/page/messages/ID/stream"), ({ ids: [id], response }) => (listen(messageOf(id).message, response), response)],
  ["POST", at("/page/estimate"), ({ body }) => ({
    tokens: tokensOf(body.content) + (body.conversation ? tokensOf(markdown(conversationOf(body.conversation))) : 0),
    context: models.find((one) => one.id === body.model).context,
  })],
  ...promptRoutes(at),
  ...keyRoutes(at),
  ...usageRoutes(at),
  ...compareRoutes(at),
  ...arenaRoutes(at),
  ...budgetRoutes(at),
  ...catalogRoutes(at),
  ["GET", at("/page/export"), exported],
  ["POST", at("/page/import"), imported],
  ["POST", at("/mock/drop"), () => dropListeners()],
  ["POST", at("/mock/turn"), () => nextTurn()],
]; // prettier-ignore
