// Saved prompts and keys, in memory. The mock asks nobody for a key.
import { Refusal } from "./refusal.mjs";
import { newId, now } from "./store.mjs";

const prompts = new Map();
const keys = [];

function write(id, { name, content }) {
  if (!name?.trim() || !content) throw new Refusal(400, "name: is empty");
  const prompt = { id, name: name.trim(), content, updated: now() };
  prompts.set(id, prompt);
  return prompt;
}

export const promptRoutes = (at) => [
  ["GET", at("/page/prompts"), () => ({ prompts: [...prompts.values()].sort((a, b) => a.name.localeCompare(b.name)) })],
  ["POST", at("/page/prompts"), ({ body }) => write(newId("prompt"), body)],
  ["PUT", at("/page/prompts/ID"), ({ ids: [id], body }) => write(id, body)],
  ["DELETE", at("/page/prompts/ID"), ({ ids: [id] }) => void prompts.delete(id)],
]; // prettier-ignore

export const keyRoutes = (at) => [
  ["GET", at("/page/keys"), () => ({ keys })],
  ["POST", at("/page/keys"), ({ body }) => {
    const key = { id: newId("key"), name: body.name, scopes: body.scopes ?? [], models: [], created: now(), expires: 0, revoked: false, team: body.team ?? "" };
    keys.push(key);
    return { ...key, key: `sk-shenbi-${key.id}-${"0123456789abcdef".repeat(2)}` };
  }],
  ["PATCH", at("/page/keys/ID"), ({ ids: [id], body }) => Object.assign(keys.find((one) => one.id === id), { team: body.team })],
  ["DELETE", at("/page/keys/ID"), ({ ids: [id] }) => {
    const key = keys.find((one) => one.id === id);
    if (!key) throw new Refusal(404, `no key '${id}'`);
    key.revoked = true;
  }],
]; // prettier-ignore
