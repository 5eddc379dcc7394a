// web/dist as the program serves it, under the same strict policy.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const dist = new URL("../dist/", import.meta.url).pathname;

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export function serveFile(path, response) {
  const index = join(dist, "assets.json");
  if (!existsSync(index)) return false;
  const asset = JSON.parse(readFileSync(index, "utf8")).find((one) => one.path === path);
  if (!asset) return false;
  response.writeHead(200, {
    "content-type": asset.type,
    "content-security-policy": policy,
    "x-content-type-options": "nosniff",
    "cache-control": asset.immutable ? "public, max-age=31536000, immutable" : "no-cache",
  });
  response.end(readFileSync(join(dist, asset.file)));
  return true;
}
