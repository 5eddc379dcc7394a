// Budgets, in memory: what is set is there, half of it spent.
import { Refusal } from "./refusal.mjs";

const budgets = new Map();

function put({ ids: [name], body }) {
  if (!(body.limit_usd > 0) && !(body.limit_tokens > 0)) throw new Refusal(400, "limit_usd: expected it or limit_tokens, one of them");
  const limit = body.limit_usd ? Math.round(body.limit_usd * 1e9) : body.limit_tokens;
  const budget = {
    name, whose: body.whose ?? "everybody", subject: body.subject ?? "", unit: body.limit_usd ? "usd" : "tokens", period: body.period ?? "month",
    limit, spent: limit / 2, reserved: limit / 10, unpriced_calls: 0, refused: 3, resets: 1_796_083_200, alerts: body.alerts ?? [80, 100],
    unpriced: body.unpriced ?? false, from: body.from ?? "",
  }; // prettier-ignore
  budgets.set(name, budget);
  return budget;
}

const alertOf = ({ name, unit, limit }) => ({
  id: `${name}/2026-11/50/${limit}`, budget: name, whose: "everybody", subject: "", period: "2026-11", percent: 50, unit, limit, spent: limit / 2,
  time: 1_795_400_000, delivery: "waiting",
}); // prettier-ignore

export const budgetRoutes = (at) => [
  ["GET", at("/page/budgets"), () => ({ budgets: [...budgets.values()], teams: [], alerts: [...budgets.values()].map(alertOf), webhook: true })],
  ["PUT", at("/page/budgets/ID"), put],
  ["DELETE", at("/page/budgets/ID"), ({ ids: [name] }) => {
    if (!budgets.delete(name)) throw new Refusal(404, `no budget '${name}'`);
  }],
]; // prettier-ignore
