// node mock/main.mjs [PORT]: web/dist and the page's routes with a model that recites (answers.mjs). For work on the page,
// and for the UI tests' hard cases; what the routes mean is told in docs/page-api.md.
import { createServer } from "node:http";
import { routes } from "./routes.mjs";
import { serveFile } from "./files.mjs";
import { Refusal } from "./refusal.mjs";

const port = Number(process.argv[2] ?? 8971);
const mostBytes = 64 * 1024 * 1024;

async function readJson(request) {
  const pieces = [];
  let length = 0;
  for await (const piece of request) {
    if ((length += piece.length) > mostBytes) throw new Refusal(413, "the body is too large");
    pieces.push(piece);
  }
  if (!length) return {};
  try {
    return JSON.parse(Buffer.concat(pieces).toString("utf8"));
  } catch (error) {
    throw new Refusal(400, `the body is not JSON: ${error.message}`);
  }
}

function sendJson(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(body === undefined ? "" : JSON.stringify(body));
}

async function answer(request, response) {
  const url = new URL(request.url, "http://localhost");
  for (const [method, pattern, handler] of routes) {
    const match = request.method === method && pattern.exec(url.pathname);
    if (!match) continue;
    const ids = match.slice(1).map(decodeURIComponent);
    const result = await handler({ ids, query: url.searchParams, body: await readJson(request), response });
    if (result !== response) sendJson(response, result === undefined ? 204 : 200, result);
    return;
  }
  if (request.method !== "GET" || !serveFile(url.pathname, response)) throw new Refusal(404, `${url.pathname}: no such route`);
}

createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (response.headersSent) return response.end();
    const status = error instanceof Refusal ? error.status : 500;
    sendJson(response, status, { error: { message: error.message, type: "invalid_request_error", code: null } });
  });
}).listen(port, "127.0.0.1", function () {
  console.log(`http://127.0.0.1:${this.address().port}`);
});
