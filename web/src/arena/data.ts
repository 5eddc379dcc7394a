// The routes of the arena (docs/arena.md).
import { call, request } from "../api/http";
import { serverEvents } from "../api/sse";

export type Side = "a" | "b";
export type Winner = Side | "tie" | "bad";
export const winners: Winner[] = ["a", "b", "tie", "bad"];

export interface Figures {
  model: string;
  usage: { completion_tokens: number };
  first_token_s: number | null;
  seconds: number;
  tokens_per_s: number | null;
  cost_nano_usd: number | null;
}

interface Estimate {
  value: number;
  low: number;
  high: number;
}

export interface Row {
  model: string;
  rank: number;
  rating: Estimate;
  wins: number;
  losses: number;
  ties: number;
  both_bad: number;
}

export interface Board {
  models: Row[];
  votes: number;
  counted: number;
  connected: boolean;
  side: Estimate;
  style: { name: "length" | "headings" | "lists" | "bold"; points: Estimate }[];
  categories: ("zh" | "en" | "code" | "math" | "long")[];
  judges: { judge: string; verdicts: number; wavering: number; compared: number; agreed: number }[];
}

export interface Judged {
  judge: string;
  verdict: Winner | null;
  own: boolean;
}

interface Listener {
  opened(id: string): void;
  grew(side: Side, text: string): void;
}

/** Returns whether the battle can be voted on. */
export async function fight(content: string, max_tokens: number | undefined, listener: Listener, signal: AbortSignal): Promise<boolean> {
  const response = await request("POST", "/page/arena/battles", { content, ...(max_tokens ? { max_tokens } : {}) }, signal);
  for await (const { event, data } of serverEvents(response.body!)) {
    const value = JSON.parse(data);
    if (event === "battle") listener.opened(value.id);
    else if (event === "text") listener.grew(value.side, value.text);
    else if (event === "done") return value.votable;
  }
  return false;
}

const battle = (id: string) => `/page/arena/battles/${encodeURIComponent(id)}`;
export const vote = (id: string, winner: Winner) => call<Record<Side, Figures>>("POST", `${battle(id)}/vote`, { winner });
export const judge = (id: string, model: string) => call<Judged>("POST", `${battle(id)}/judge`, { model });

export interface Asked {
  category: string;
  by: "people" | "judges";
  style: boolean;
}
export const getBoard = ({ category, by, style }: Asked) =>
  call<Board>("GET", `/page/arena/leaderboard?category=${category}&by=${by}&style=${style ? 1 : 0}`);
export const votesFile = async (format: "csv" | "json") => (await request("GET", `/page/arena/votes?format=${format}`)).blob();
