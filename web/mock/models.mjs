// The room of models, in memory: what can be fetched, fetched in steps; accounts at two houses.
import { Refusal } from "./refusal.mjs";

const known = [
  { name: "gemma3:270m", title: "Gemma 3 270M", quantisation: "Q4_K_M", chat: false },
  { name: "qwen3:0.6b", title: "Qwen3 0.6B", quantisation: "Q8_0", chat: true },
  { name: "qwen3:8b", title: "Qwen3 8B", quantisation: "Q4_K_M", chat: true },
];
const houses = [
  { name: "deepseek", title: "DeepSeek", title_zh: "深度求索", base_url: "https://api.deepseek.com", key_variable: "DEEPSEEK_API_KEY", key_page: "https://platform.deepseek.com/api_keys", fields: [] },
  { name: "azure", title: "Azure OpenAI", title_zh: "微软 Azure OpenAI", base_url: "", key_variable: "AZURE_OPENAI_API_KEY", key_page: "", fields: [{ name: "api_version", title: "API version", title_zh: "API 版本", kind: "setting", required: true }] },
  {
    name: "spark_ws", title: "iFlytek Spark (WebSocket)", title_zh: "讯飞星火（WebSocket）", base_url: "wss://spark-api.xf-yun.com",
    key_variable: "IFLYTEK_SPARK_API_KEY:IFLYTEK_SPARK_API_SECRET", key_page: "",
    fields: [
      { name: "app_id", title: "APPID", title_zh: "APPID", kind: "setting", required: true },
      { name: "api_key", title: "APIKey", title_zh: "APIKey", kind: "key", required: true },
      { name: "api_secret", title: "APISecret", title_zh: "APISecret", kind: "key", required: true },
    ],
  },
  { name: "vllm", title: "vLLM", title_zh: "", base_url: "http://127.0.0.1:8000/v1", key_variable: "", key_page: "", fields: [] },
]; // prettier-ignore
const accounts = new Map();
const masked = (key) => (key.startsWith("env:") ? key : `${key.slice(0, 3)}****${key.slice(-4)}`);

// A name with "slow" stops half way until its reader leaves, one with "absent" is not there.
async function pull({ body: { model }, response }, models) {
  const line = (json) => response.write(`${JSON.stringify(json)}\n`);
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  line({ status: "pulling manifest" });
  const total = 639_446_688;
  line({ status: `pulling ${model.replace(":", "-")}.gguf`, total, completed: total / 2 });
  if (model.includes("slow")) return response;
  if (model.includes("absent")) line({ error: `the registry has no model '${model}'` });
  else {
    models.push({ id: model, owner: "qwen", chat: true, context: 40960, bytes: total, parameters: 596049920, quantisation: "Q8_0", loaded: false });
    line({ status: "success" });
  }
  response.end();
  return response;
}

function remove({ body: { model } }, models) {
  const at = models.findIndex((one) => one.id === model);
  if (at < 0) throw new Refusal(404, `model '${model}' is not here`);
  models.splice(at, 1);
  return {};
}

function put({ ids: [name], body }, models) {
  const old = accounts.get(name);
  const house = houses.find((one) => one.name === body.house);
  if ("private_network" in body || "name" in body) throw new Refusal(400, "private_network: unknown field");
  if (!house) throw new Refusal(400, `house: '${body.house}' is not known`);
  const account = { base_url: "", settings: {}, models: [], priority: 0, weight: 1, enabled: true, personal_data: "", private_words: [], private_patterns: [], ...body, name, keys: body.keys?.map(masked) ?? old?.keys ?? [], private_network: false };
  accounts.set(name, account);
  for (const model of account.models) {
    const id = `${name}/${model}`;
    if (!models.some((one) => one.id === id)) models.push({ id, owner: house.title, chat: true, context: 131072, bytes: 0, parameters: 0, quantisation: "", loaded: false });
  }
  return account;
}

function drop({ ids: [name] }, models) {
  if (!accounts.delete(name)) throw new Refusal(404, `no upstream '${name}'`);
  for (let at = models.length; at-- > 0; ) if (models[at].id.startsWith(`${name}/`)) models.splice(at, 1);
}

export const modelRoutes = (at, models) => [
  ["GET", at("/page/known-models"), () => ({ models: known.map((one) => ({ ...one, here: models.some((model) => model.id === one.name) })) })],
  ["POST", at("/api/pull"), (call) => pull(call, models)],
  ["DELETE", at("/api/delete"), (call) => remove(call, models)],
  ["GET", at("/page/houses"), () => ({ houses })],
  ["GET", at("/page/upstreams"), () => ({ upstreams: [...accounts.values()] })],
  ["PUT", at("/page/upstreams/ID"), (call) => put(call, models)],
  ["DELETE", at("/page/upstreams/ID"), (call) => drop(call, models)],
]; // prettier-ignore
