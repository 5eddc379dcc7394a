// What the catalog says (docs/catalog.md), and what is worked out of it for the table and the pictures.
import { call } from "../api/http";

export interface Tier {
  input?: number; // dollars per million tokens, as all of these
  output?: number;
  cache_read?: number;
  cache_write?: number;
  cache_write_1h?: number;
}

export interface Price {
  house: string;
  models: string[];
  tokens?: Tier;
  batch?: Tier;
  image_tokens?: Tier;
  over?: ({ above: number } & Tier)[];
  image?: number; // dollars for one
  second?: number;
  million_characters?: number;
  source?: string;
  date?: string;
  from?: string;
}

export interface CatalogModel {
  id: string;
  name: string;
  maker?: string;
  class?: string;
  level?: string;
  open?: string;
  licence?: string;
  input: string[];
  output: string[];
  tools?: boolean;
  thinking?: boolean;
  retired?: boolean;
  ends?: string;
  context?: number;
  max_output?: number;
  source?: string;
  date?: string;
  context_from?: string;
  no_api?: string;
  no_api_zh?: string;
  nearest?: string;
  prices?: Price[];
}

export const getCatalog = () => call<{ date: string; models: CatalogModel[] }>("GET", "/page/catalog");

/** Tokens a second by what houses call a model: the median of the latest calls. Empty for a reader who may not see them. */
export async function getSpeeds(): Promise<Map<string, number>> {
  const speeds = new Map<string, number[]>();
  try {
    const { rows } = await call<{ rows: { model: string; tokens_per_s: number | null }[] }>("GET", "/page/usage/rows?limit=1000");
    for (const { model, tokens_per_s } of rows) if (tokens_per_s !== null) speeds.set(model, [...(speeds.get(model) ?? []), tokens_per_s]);
  } catch {
    return new Map(); // speed is an extra: without it the room is whole
  }
  return new Map([...speeds].map(([model, all]) => [model, all.sort((a, b) => a - b)[Math.floor(all.length / 2)]!]));
}

export const isLocal = (model: CatalogModel): boolean => model.id.startsWith("local/");

/** The lowest of its houses; undefined: nobody told. A model of this machine costs nothing. */
export function cheapest(model: CatalogModel, of: "input" | "output"): number | undefined {
  const known = (model.prices ?? []).map((price) => price.tokens?.[of]).filter((one) => one !== undefined);
  return known.length ? Math.min(...known) : isLocal(model) ? 0 : undefined;
}

export const speedOf = (model: CatalogModel, speeds: Map<string, number>): number | undefined =>
  [model.id.slice("local/".length), ...(model.prices ?? []).flatMap((price) => price.models)].map((name) => speeds.get(name)).find((one) => one !== undefined);

export const inputs = ["text", "image", "audio", "video"] as const;
export const outputs = ["text", "image", "audio", "video", "vector"] as const;

export interface Kind {
  input: string;
  output: string;
}
export const makes = (model: CatalogModel, kind: Kind): boolean => model.input.includes(kind.input) && model.output.includes(kind.output);
export const sameKind = (a: Kind | undefined, b: Kind): boolean => a?.input === b.input && a.output === b.output;

export interface Choice {
  text: string;
  kind: Kind | undefined;
  open: "" | "weights" | "closed";
  offered: boolean; // somebody sells it, or it lies here, and its maker has not withdrawn it
}

export function chosen(models: CatalogModel[], choice: Choice): CatalogModel[] {
  const words = choice.text.toLowerCase().split(/\s+/).filter(Boolean);
  return models.filter(
    (model) =>
      words.every((word) => `${model.id} ${model.name} ${model.maker ?? ""}`.toLowerCase().includes(word)) &&
      (!choice.kind || makes(model, choice.kind)) &&
      (!choice.open || model.open === choice.open) &&
      (!choice.offered || ((isLocal(model) || !!model.prices?.length) && !model.retired)),
  );
}
