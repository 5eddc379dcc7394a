// Accounts at other houses as the server keeps them (docs/gateway.md). Keys go in and come back masked.
import { call } from "../api/http";

/** What a person says about an account: a part of its key, or a setting. */
export interface AccountField {
  name: string;
  title: string;
  title_zh: string;
  kind: "key" | "setting";
  required: boolean;
}

export interface House {
  name: string;
  title: string;
  title_zh: string;
  base_url: string;
  key_variable: string;
  key_page: string;
  fields: AccountField[];
}

export interface Account {
  name: string;
  house: string;
  base_url: string;
  keys: string[];
  settings: Record<string, string>;
  models: string[];
  priority: number;
  weight: number;
  enabled: boolean;
  personal_data: "" | "send" | "mask" | "block";
  private_words: string[];
}

export type WantedAccount = Omit<Account, "keys"> & { keys?: string[] };

const path = (name: string) => `/page/upstreams/${encodeURIComponent(name)}`;

export const listHouses = async () => (await call<{ houses: House[] }>("GET", "/page/houses")).houses;
export const listAccounts = async () => (await call<{ upstreams: Account[] }>("GET", "/page/upstreams")).upstreams;
export const removeAccount = (name: string) => call<void>("DELETE", path(name));
export const putAccount = ({ name, house, base_url, settings, models, priority, weight, enabled, personal_data, private_words, keys }: WantedAccount) =>
  call<Account>("PUT", path(name), { house, base_url, settings, models, priority, weight, enabled, personal_data, private_words, ...(keys ? { keys } : {}) });
