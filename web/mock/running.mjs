// Answers that are being recited, one piece every few milliseconds, and those who listen.
import { addMessage } from "./store.mjs";
import { recitation } from "./answers.mjs";

const listeners = new Map(); // message -> Set of responses
const timers = new Map(); // message -> timer
const queued = new Set(); // steps of answers that wait for others: nextTurn() takes them one place on

const send = (response, event, data) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
const tell = (message, event, data) => listeners.get(message)?.forEach((response) => send(response, event, data));

export function startAnswer(conversation, user, model) {
  const message = addMessage(conversation, { role: "assistant", parent: user.id, model, status: "running" });
  recite(message, recitation(user.content));
  return message;
}

export function continueAnswer(message) {
  Object.assign(message, { status: "running", finish: undefined, usage: undefined });
  recite(message, { pieces: [" And", " so", " it", " went", " on", "."], pauseMs: 20 });
}

function recite(message, { queue = [], thinking = [], pieces, pauseMs, finish = "stop", fault, warning, cost, prompt = 12 }) {
  const began = Date.now();
  let at = 0;
  let firstAt = 0;
  let thoughtAt = 0;
  let told = 0;
  const step = () => {
    if (told < queue.length) {
      message.ahead = queue[told++];
      tell(message, "queued", { ahead: message.ahead });
      queued.add(step);
      return;
    }
    delete message.ahead;
    firstAt ||= Date.now();
    if (at < thinking.length) {
      message.thinking += thinking[at];
      tell(message, "thinking", { text: thinking[at++] });
    } else if (at < thinking.length + pieces.length) {
      const text = pieces[at++ - thinking.length];
      thoughtAt ||= Date.now();
      message.content += text;
      tell(message, "text", { text });
    } else {
      if (warning) tell(message, "warning", { text: warning });
      if (warning) message.warnings = [warning];
      const seconds = (Date.now() - began) / 1000;
      message.usage = {
        prompt_tokens: prompt, cached_tokens: 4, completion_tokens: at, reasoning_tokens: thinking.length,
        ...(thinking.length ? { thinking_s: (thoughtAt - firstAt) / 1000 } : {}),
        first_token_s: (firstAt - began) / 1000, seconds, tokens_per_s: at / Math.max(seconds, 0.001),
        ...(cost === undefined ? {} : { cost_nano_usd: cost }),
      }; // prettier-ignore
      if (fault) message.error = fault;
      return endAnswer(message, fault ? "failed" : "done", fault ? undefined : finish);
    }
    timers.set(message, setTimeout(step, pauseMs));
  };
  timers.set(message, setTimeout(step, 60));
}

export function endAnswer(message, status, finish) {
  clearTimeout(timers.get(message));
  timers.delete(message);
  Object.assign(message, { status, finish });
  tell(message, "done", message);
  listeners.get(message)?.forEach((response) => response.end());
  listeners.delete(message);
}

export function listen(message, response) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.write(": here\n\n");
  send(response, "snapshot", message);
  if (message.status !== "running") {
    send(response, "done", message);
    return response.end();
  }
  if (!listeners.has(message)) listeners.set(message, new Set());
  listeners.get(message).add(response);
  if (message.ahead !== undefined) send(response, "queued", { ahead: message.ahead });
  response.on("close", () => listeners.get(message)?.delete(response));
}

/** Whoever waits in line moves on by one. */
export function nextTurn() {
  const steps = [...queued];
  queued.clear();
  for (const step of steps) step();
}

/** Drops every connection, as a network would. */
export function dropListeners() {
  for (const responses of listeners.values()) responses.forEach((response) => response.destroy());
}
