// Follows one running answer to its end. Text arrives far more often than a screen is painted: it is gathered and handed
// on once a frame. A broken connection is taken up again; the snapshot that opens each stream makes up for what was missed.
import { streamAnswer } from "../api/page";
import { ApiError } from "../api/http";
import { serverEvents } from "../api/sse";
import type { Message } from "../api/types";

interface Listener {
  snapshot(message: Message): void;
  grow(text: string, thinking: string): void;
  warning(text: string): void;
  queued(ahead: number): void; // so many requests of others come first
  done(message: Message): void;
  waiting(again: boolean): void; // the connection is lost, or back
  refused(error: ApiError): void;
}

const pausesMs = [500, 1000, 2000, 5000];

export async function followAnswer(id: string, listener: Listener, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const response = await streamAnswer(id, signal);
      listener.waiting(false);
      if (await readStream(response, listener, () => (attempt = 0))) return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status > 0 && error.status < 500) return listener.refused(error);
    }
    listener.waiting(true);
    await pause(pausesMs[Math.min(attempt, pausesMs.length - 1)]!, signal);
  }
}

async function readStream(response: Response, listener: Listener, alive: () => void): Promise<boolean> {
  const gathered = gather(listener);
  try {
    for await (const { event, data } of serverEvents(response.body!)) {
      const value = JSON.parse(data);
      alive();
      if (event === "text") gathered.add(value.text, "");
      else if (event === "thinking") gathered.add("", value.text);
      else if (event === "warning") listener.warning(value.text ?? String(value));
      else if (event === "queued") listener.queued(value.ahead);
      else if (event === "snapshot") listener.snapshot(value);
      else if (event === "done") {
        gathered.drop();
        listener.done(value);
        return true;
      }
    }
    return false;
  } finally {
    gathered.flush();
  }
}

function gather(listener: Listener) {
  let text = "";
  let thinking = "";
  let frame = 0;
  const drop = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    text = thinking = "";
  };
  const flush = () => {
    if (text || thinking) listener.grow(text, thinking);
    drop();
  };
  const add = (moreText: string, moreThinking: string) => {
    text += moreText;
    thinking += moreThinking;
    frame ||= requestAnimationFrame(flush);
  };
  return { add, flush, drop };
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
