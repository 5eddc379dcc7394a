// Battles between two unnamed models of the mock, and a leaderboard of invented votes.
import { recitation } from "./answers.mjs";
import { Refusal } from "./refusal.mjs";
import { newId } from "./store.mjs";

const battles = new Map();
const send = (response, event, data) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);

function fight({ body, response }) {
  const battle = { id: newId("battle"), voted: false, fails: body.content.includes("fail") };
  battles.set(battle.id, battle);
  const { pieces, pauseMs } = recitation(battle.fails ? "plain" : body.content);
  response.writeHead(200, { "content-type": "text/event-stream" });
  send(response, "battle", { id: battle.id });
  let at = 0;
  const step = () => {
    if (at >= pieces.length) {
      send(response, "done", { id: battle.id, votable: !battle.fails });
      return response.end();
    }
    for (const side of ["a", "b"]) send(response, "text", { side, text: pieces[at] });
    at++;
    battle.timer = setTimeout(step, pauseMs);
  };
  step();
  response.on("close", () => clearTimeout(battle.timer));
  return response;
}

const figures = (model, cost_nano_usd) => ({
  model, attempt: 0, status: "done", finish_reason: "stop", usage: { prompt_tokens: 12, cached_tokens: 0, completion_tokens: 40, reasoning_tokens: 0 },
  first_token_s: 0.25, seconds: 1.5, tokens_per_s: 20, cost_nano_usd, upstream: "local", tries: 1,
}); // prettier-ignore

function vote({ ids: [id], body }) {
  const battle = battles.get(id);
  if (!battle) throw new Refusal(404, "no such battle");
  if (battle.voted) throw new Refusal(400, "this battle has been voted on already");
  battle.voted = true;
  return { id, winner: body.winner, a: figures("qwen3:4b", 0), b: figures("llama3.2:1b", 1_500_000) };
}

const estimate = (value, half) => ({ value, low: value - half, high: value + half });

function leaderboard({ query }) {
  const empty = query.get("category") === "long";
  return {
    models: empty ? [] : [
      { model: "qwen3:4b", rank: 1, rating: estimate(query.get("style") === "1" ? 1080 : 1120, 30), wins: 40, losses: 12, ties: 5, both_bad: 2 },
      { model: "llama3.2:1b", rank: 2, rating: estimate(1000, 35), wins: 20, losses: 22, ties: 6, both_bad: 3 },
      { model: "gemma3:270m", rank: 2, rating: estimate(880, 60), wins: 5, losses: 31, ties: 3, both_bad: 5 },
    ],
    votes: empty ? 0 : 84, counted: empty ? 0 : 74, rounds: 1000, connected: !empty, side: estimate(9, 20),
    style: query.get("style") === "1" ? ["length", "headings", "lists", "bold"].map((name, at) => ({ name, points: estimate(40 - 10 * at, 15) })) : [],
    categories: ["zh", "en", "code", "math", "long"],
    judges: [{ judge: "qwen3:4b", verdicts: 12, wavering: 4, own: 2, compared: 10, agreed: 7 }],
  }; // prettier-ignore
}

function votes({ query, response }) {
  if (query.get("format") !== "csv") return { votes: [] };
  response.writeHead(200, { "content-type": "text/csv" });
  response.end("id,time,battle,voter,judge,own,model_a,model_b,winner,categories\r\n1,1.000,b1,0,,0,qwen3:4b,llama3.2:1b,a,en\r\n");
  return response;
}

export const arenaRoutes = (at) => [
  ["POST", at("/page/arena/battles"), fight],
  ["POST", at("/page/arena/battles/ID/vote"), vote],
  ["POST", at("/page/arena/battles/ID/judge"), ({ ids: [id], body }) => ({ id, judge: body.model, verdict: body.model === "qwen3:4b" ? "a" : null, own: body.model === "qwen3:4b", straight: "[[A]]", swapped: "[[B]]" })],
  ["GET", at("/page/arena/leaderboard"), leaderboard],
  ["GET", at("/page/arena/votes"), votes],
]; // prettier-ignore
