// The page's routes, one function each (docs/page-api.md).
import { call, request } from "./http";
import type { AccessKey, Config, Conversation, Estimate, Folder, ImportReport, Message, Model, NewAccessKey, Params, Prompt, Summary } from "./types";

const conversation = (id: string) => `/page/conversations/${encodeURIComponent(id)}`;
const message = (id: string) => `/page/messages/${encodeURIComponent(id)}`;
const folder = (id: string) => `/page/folders/${encodeURIComponent(id)}`;

export const getConfig = () => call<Config>("GET", "/page/config");

interface ListQuery {
  q?: string;
  folder?: string;
  limit?: number;
  before?: number;
}

export async function listConversations(query: ListQuery, signal?: AbortSignal): Promise<Summary[]> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return (await call<{ conversations: Summary[] }>("GET", `/page/conversations?${search}`, undefined, signal)).conversations;
}

export const createConversation = (title: string) => call<Conversation>("POST", "/page/conversations", { title });
export const getConversation = (id: string) => call<Conversation>("GET", conversation(id));
export const patchConversation = (id: string, change: Partial<Pick<Summary, "title" | "folder" | "pinned"> & { leaf: string }>) =>
  call<Summary>("PATCH", conversation(id), change);
export const deleteConversation = (id: string) => call<void>("DELETE", conversation(id));
export const restoreConversation = (id: string) => call<unknown>("POST", `${conversation(id)}/restore`);

export const listFolders = async () => (await call<{ folders: Folder[] }>("GET", "/page/folders")).folders;
export const createFolder = (name: string) => call<unknown>("POST", "/page/folders", { name });
export const renameFolder = (id: string, name: string) => call<unknown>("PATCH", folder(id), { name });
export const deleteFolder = (id: string) => call<unknown>("DELETE", folder(id));

interface Ask {
  parent: string | null;
  content: string;
  model: Model["id"];
  params: Params;
}
export const ask = (id: string, body: Ask) => call<{ user: Message; answer: Message }>("POST", `${conversation(id)}/ask`, body);
export const answerAgain = (id: string, model: string, params: Params) =>
  call<{ answer: Message }>("POST", `${message(id)}/answer`, { model, params });
export const stopAnswer = (id: string) => call<{ message: Message }>("POST", `${message(id)}/stop`);
export const continueAnswer = (id: string, params: Params) =>
  call<{ answer: Message }>("POST", `${message(id)}/continue`, { params });
export const streamAnswer = (id: string, signal: AbortSignal) => request("GET", `${message(id)}/stream`, undefined, signal);

export const estimate = (
  body: { model: string; conversation?: string; parent?: string; content: string },
  signal: AbortSignal,
) => call<Estimate>("POST", "/page/estimate", body, signal);

export const listPrompts = async () => (await call<{ prompts: Prompt[] }>("GET", "/page/prompts")).prompts;
export const createPrompt = (prompt: Omit<Prompt, "id">) => call<Prompt>("POST", "/page/prompts", prompt);
export const changePrompt = ({ id, ...prompt }: Prompt) => call<Prompt>("PUT", `/page/prompts/${encodeURIComponent(id)}`, prompt);
export const deletePrompt = (id: string) => call<void>("DELETE", `/page/prompts/${encodeURIComponent(id)}`);

export const listKeys = async () => (await call<{ keys: AccessKey[] }>("GET", "/page/keys")).keys;
export const createKey = (key: { name: string; scopes: string[] }) => call<NewAccessKey>("POST", "/page/keys", key);
export const setKeyTeam = (id: string, team: string) => call<AccessKey>("PATCH", `/page/keys/${encodeURIComponent(id)}`, { team });
export const revokeKey = (id: string) => call<void>("DELETE", `/page/keys/${encodeURIComponent(id)}`);

export const exportAll = () => request("GET", "/page/export");
export const exportConversation = (id: string, format?: "markdown") =>
  request("GET", `/page/export?conversation=${encodeURIComponent(id)}${format ? `&format=${format}` : ""}`);
export const importText = (json: string) => call<ImportReport>("POST", "/page/import", json);
