// What the page's routes carry (docs/page-api.md). Times are seconds since 1970.

export interface Model {
  id: string;
  owner: string;
  chat: boolean;
  context: number;
  bytes: number;
  parameters: number;
  quantisation: string;
  loaded: boolean;
}

export interface Config {
  version: string;
  needs_key: boolean;
  models: Model[];
}

export interface Summary {
  id: string;
  title: string;
  folder: string | null;
  pinned: boolean;
  created: number;
  updated: number;
  messages: number;
  snippet?: string;
}

interface Usage {
  prompt_tokens: number;
  cached_tokens: number;
  completion_tokens: number;
  reasoning_tokens: number;
  thinking_s?: number;
  first_token_s: number;
  seconds: number;
  tokens_per_s: number;
  cost_nano_usd?: number | null; // of another house's model: null where no price is known
}

export type Status = "running" | "done" | "stopped" | "failed";

export interface Message {
  id: string;
  parent: string | null;
  role: "user" | "assistant";
  content: string;
  thinking: string;
  model: string;
  created: number;
  status: Status;
  error?: string | { message: string };
  finish?: string;
  usage?: Usage;
  warnings?: string[];
}

export interface Conversation extends Omit<Summary, "messages"> {
  leaf: string | null;
  messages: Message[];
}

export interface Folder {
  id: string;
  name: string;
  count: number;
}

export interface Params {
  temperature?: number;
  top_p?: number;
  top_k?: number;
  min_p?: number;
  repetition_penalty?: number;
  frequency_penalty?: number;
  presence_penalty?: number;
  max_tokens?: number;
  seed?: number;
  stop?: string[];
  system?: string;
  thinking?: boolean;
}

export interface Estimate {
  tokens: number;
  context: number;
}

export interface ImportReport {
  conversations: number;
  messages: number;
  skipped: { what: string; why: string }[];
}

export interface Prompt {
  id: string;
  name: string;
  content: string;
}

/** What may be known of a key after it was made. */
export interface AccessKey {
  id: string;
  name: string;
  scopes: string[]; // empty: all
  models: string[];
  created: number;
  expires: number; // 0: never
  revoked: boolean;
  team: string; // "": none
}

export interface NewAccessKey extends AccessKey {
  key: string;
}
