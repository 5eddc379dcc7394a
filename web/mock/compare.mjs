// Comparisons: each column recites on its own. "fail" fails the second column, "differ" has each model say its own.
import { recitation } from "./answers.mjs";
import { Refusal } from "./refusal.mjs";
import { addMessage, newConversation, newId } from "./store.mjs";

const running = new Map();
const send = (response, event, data) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);

function saying(question, model, column) {
  if (question.includes("differ")) return { pieces: [`The brush of ${model.split(":")[0]} draws `, column ? "红马" : "白马", " and rests."], pauseMs: 5 };
  if (question.includes("fail") && column !== 1) return recitation("plain");
  return recitation(question);
}

function begin(comparison, column) {
  const place = comparison.columns[column];
  const { thinking = [], pieces, pauseMs, finish = "stop", fault } = saying(comparison.question, place.model, column);
  send(comparison.response, "column", { column, model: place.model, attempt: place.attempt, request_id: `req-1.${column}` });
  let at = 0;
  const step = () => {
    if (at < thinking.length) send(comparison.response, "thinking", { column, text: thinking[at++] });
    else if (at < thinking.length + pieces.length) send(comparison.response, "text", { column, text: pieces[at++ - thinking.length] });
    else return end(comparison, column, fault ? "failed" : "done", fault ? null : finish, fault);
    place.timer = setTimeout(step, pauseMs);
  };
  Object.assign(place, { running: true, said: () => at, timer: setTimeout(step, pauseMs) });
}

function end(comparison, column, status, finish = null, fault) {
  const place = comparison.columns[column];
  if (!place.running) return;
  clearTimeout(place.timer);
  place.running = false;
  send(comparison.response, "end", {
    column, model: place.model, attempt: place.attempt, status, finish_reason: finish,
    usage: { prompt_tokens: 12, cached_tokens: 0, completion_tokens: place.said(), reasoning_tokens: 0 },
    first_token_s: 0.25, seconds: 1.5, tokens_per_s: 20, cost_nano_usd: column ? 1_500_000 : 0, upstream: column ? "openai" : "local", tries: 1,
    ...(fault ? { error: { status: 500, message: fault } } : {}),
  }); // prettier-ignore
  if (comparison.columns.some((one) => one.running)) return;
  running.delete(comparison.id);
  send(comparison.response, "done", { id: comparison.id });
  comparison.response.end();
}

function compare({ body, response }) {
  if (body.messages.at(-1).content.includes("refuse")) throw new Refusal(429, "8 comparisons are running already, the most there may be");
  const comparison = { id: newId("cmp"), question: body.messages.at(-1).content, response, columns: body.models.map((model) => ({ model, attempt: 0 })) };
  running.set(comparison.id, comparison);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  send(response, "comparison", { id: comparison.id, object: "comparison", created: 1, columns: body.models.map((model, column) => ({ column, model })) });
  comparison.columns.forEach((one) => (one.running = true));
  comparison.columns.forEach((_, column) => begin(comparison, column));
  response.on("close", () => {
    comparison.columns.forEach((one) => clearTimeout(one.timer));
    running.delete(comparison.id);
  });
  return response;
}

function find(id) {
  if (!running.has(id)) throw new Refusal(404, "no such comparison is running");
  return running.get(id);
}

function keep({ body: { question, answers, chosen } }) {
  const conversation = newConversation({ title: question });
  const user = addMessage(conversation, { role: "user", content: question, parent: null });
  const kept = answers.map(({ model, content }) => addMessage(conversation, { role: "assistant", parent: user.id, model, content, status: "done" }));
  conversation.leaf = kept[chosen].id;
  return conversation;
}

function summary({ body: { answers }, response }) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const word of ["All ", `${answers.length} `, "agree ", "on the **brush**."]) response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: word } }] })}\n\n`);
  response.end("data: [DONE]\n\n");
  return response;
}

export const compareRoutes = (at) => [
  ["POST", at("/page/compare"), compare],
  ["POST", at("/page/compare/keep"), keep],
  ["POST", at("/page/compare/summary"), summary],
  ["POST", at("/page/compare/ID/columns/ID/stop"), ({ ids: [id, column] }) => (end(find(id), Number(column), "stopped"), { id, column: Number(column) })],
  ["POST", at("/page/compare/ID/columns/ID/retry"), ({ ids: [id, column] }) => {
    const comparison = find(id);
    comparison.columns[column].attempt++;
    begin(comparison, Number(column));
    return { id, column: Number(column) };
  }],
]; // prettier-ignore
