// Server-sent events read from a fetch (EventSource can send no key). Lines end with LF, CRLF or CR; a blank line ends an
// event; lines that begin with a colon keep the connection alive.

interface ServerEvent {
  event: string;
  data: string;
}

export async function* serverEvents(body: ReadableStream<BufferSource>): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event = "message";
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") {
          if (data.length) yield { event, data: data.join("\n") };
          event = "message";
          data = [];
          continue;
        }
        const [, field, text] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
        if (field === "event") event = text ?? "";
        else if (field === "data") data.push(text ?? "");
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
