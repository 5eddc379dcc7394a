// A month of calls, always the same ones: as many as the day's place in the range, at one and two thousandths of a dollar.
import { Refusal } from "./refusal.mjs";

const names = { model: ["gpt-4.1", "gemma3:270m"], key: ["", "k1"], upstream: ["openai", "local"] };
const empty = () => ({ calls: 0, failed: 0, prompt_tokens: 0, cached_tokens: 0, cache_write_tokens: 0, completion_tokens: 0, reasoning_tokens: 0, cost_nano_usd: 0, unpriced: 0, cached_answers: 0 });

function daysOf(query) {
  const days = [];
  for (let time = Date.parse(query.get("from")); time <= Date.parse(query.get("to")); time += 86_400_000) days.push(new Date(time).toISOString().slice(0, 10));
  return days;
}

function usage({ query, response }) {
  const [, split = "model"] = query.get("by").split(",");
  if (!names[split]) throw new Refusal(400, "by: expected day, model, key and upstream");
  const rows = daysOf(query).flatMap((day, at) =>
    names[split].map((name, place) => ({
      day,
      [split]: name,
      ...(split === "key" ? { key_name: name ? "ci" : "" } : {}),
      ...empty(),
      calls: at + 1,
      prompt_tokens: 1000 * (at + 1),
      cached_tokens: place ? 0 : 400 * (at + 1),
      completion_tokens: 100 * (at + 1),
      cost_nano_usd: place ? 0 : 1_900_000 * (at + 1),
    })),
  );
  const total = empty();
  for (const row of rows) for (const field of Object.keys(total)) total[field] += row[field];
  if (query.get("format") === "csv") {
    response.writeHead(200, { "content-type": "text/csv; charset=utf-8" });
    response.end(`day,${split},calls\r\n${rows.map((row) => `${row.day},${row[split]},${row.calls}\r\n`).join("")}`);
    return response;
  }
  return { from: query.get("from"), to: query.get("to"), rows, total, lost: 0 };
}

const call = (id, more) => ({
  id, time: 1_795_000_000 + id, request_id: `req-${id}`, key: "local", wanted: "openai/gpt-4.1", upstream: "openai", model: "gpt-4.1", attempt: 0,
  prompt_tokens: 1000, cached_tokens: 600, cache_write_tokens: 0, completion_tokens: 100, reasoning_tokens: 0, cost_nano_usd: 1_900_000,
  first_token_s: 0.42, seconds: 2.4, tokens_per_s: 50, outcome: "settled", status: 0, error: "", raw_usage: "{}", cached_answer: false, ...more,
}); // prettier-ignore

const rows = () => ({
  rows: [
    call(4, { cost_nano_usd: 0, first_token_s: null, seconds: 0, tokens_per_s: null, raw_usage: "", cached_answer: true }),
    call(3, {}),
    call(2, { outcome: "failed", cost_nano_usd: 0, first_token_s: null, tokens_per_s: null, status: 503, error: "openai: not today (status 503)" }),
    call(1, { upstream: "office", model: "qwen3-32b", cost_nano_usd: null, outcome: "estimated" }),
  ],
});

export const usageRoutes = (at) => [
  ["GET", at("/page/usage"), usage],
  ["GET", at("/page/usage/rows"), rows],
];
