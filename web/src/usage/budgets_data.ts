// Budgets as the server keeps them (docs/usage.md). Amounts are whole: nano-dollars, or tokens.
import { setKeyTeam } from "../api/page";
import { call } from "../api/http";
import type { AccessKey } from "../api/types";

export type Whose = "everybody" | "team" | "key";
export type Unit = "usd" | "tokens";
export type Period = "day" | "month" | "total";

export interface Budget {
  name: string;
  whose: Whose;
  subject: string;
  unit: Unit;
  period: Period;
  limit: number;
  spent: number;
  reserved: number;
  unpriced_calls: number;
  refused: number;
  resets: number | null;
  alerts: number[];
  unpriced: boolean;
  from: string;
}

export interface Alert {
  id: string;
  budget: string;
  percent: number;
  unit: Unit;
  limit: number;
  spent: number;
  time: number;
  delivery: "none" | "waiting" | "sent" | "given up";
}

export interface Budgets {
  budgets: Budget[];
  teams: { name: string; keys: string[] }[];
  alerts: Alert[];
  webhook: boolean;
}

export interface Wanted {
  name: string;
  whose: Whose;
  subject: string;
  unit: Unit;
  amount: number; // dollars, or tokens
  period: Period;
  alerts: number[];
  unpriced: boolean;
  members: string[]; // of a team: ids of keys
}

const path = (name: string) => `/page/budgets/${encodeURIComponent(name)}`;

export const getBudgets = () => call<Budgets>("GET", "/page/budgets");
export const removeBudget = (name: string) => call<void>("DELETE", path(name));

/** Sets it, and before that who is in its team. `from`: the day a total counts from, where it has one already. */
export async function putBudget(wanted: Wanted, keys: AccessKey[], from: string): Promise<void> {
  if (wanted.whose === "team") {
    for (const key of keys) {
      const wants = wanted.members.includes(key.id);
      if (wants !== (key.team === wanted.subject)) await setKeyTeam(key.id, wants ? wanted.subject : "");
    }
  }
  await call("PUT", path(wanted.name), {
    whose: wanted.whose,
    subject: wanted.whose === "everybody" ? "" : wanted.subject,
    period: wanted.period,
    [wanted.unit === "usd" ? "limit_usd" : "limit_tokens"]: wanted.amount,
    alerts: wanted.alerts,
    unpriced: wanted.unpriced,
    ...(wanted.period === "total" && from ? { from } : {}),
  });
}
