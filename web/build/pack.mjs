// Prepares web/dist to be served by the program: the licences of what is in it, a .gz and a .br beside every file that they
// make smaller, assets.json that tells of each, and the two budgets of docs/page.md, which fail the build.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, extname, join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = new URL("../", import.meta.url).pathname;
const dist = join(root, "dist");
const budgets = { first: 90 * 1024, everything: 450 * 1024 }; // bytes of gzip
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".woff2": "font/woff2",
};
// What a first visit fetches besides the entry: the first room, and what shows answers.
const alsoFirst = ["src/chat/chat_room.tsx", "src/markdown/prose.tsx"];

const files = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)],
  );

/** The licence texts of every package that is not for development alone. */
function licences() {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const names = Object.entries(lock.packages).filter(([name, entry]) => name && !entry.dev).map(([name]) => name);
  return names.sort().map((name) => {
    const folder = join(root, name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const files = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file));
    const text = files.map((file) => readFileSync(join(folder, file), "utf8").trim()).join("\n\n");
    return `${name.replace(/^.*node_modules\//, "")} ${version} (${license})\n\n${text}\n`;
  });
}

function pack(path) {
  const raw = readFileSync(path);
  const type = types[extname(path)];
  if (!type) throw new Error(`${path}: no media type is known for ${extname(path)}`);
  const name = relative(dist, path);
  const keep = (suffix, bytes) => {
    if (bytes.length >= raw.length) return 0;
    writeFileSync(path + suffix, bytes);
    return bytes.length;
  };
  return {
    path: name === "index.html" ? "/" : `/${name}`,
    file: name,
    type,
    hash: createHash("sha256").update(raw).digest("hex").slice(0, 32),
    immutable: name.startsWith("assets/"),
    raw: raw.length,
    gzip: keep(".gz", gzipSync(raw, { level: 9 })),
    brotli: keep(".br", brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: raw.length } })),
  };
}

/** The files that index.html and the first room need before anything is clicked. */
function firstFiles(manifest) {
  const seen = new Set();
  const visit = (key) => {
    const chunk = manifest[key] ?? Object.values(manifest).find(({ name }) => name === basename(key, ".tsx")); // a chunk that others import from has no source
    if (!chunk) throw new Error(`manifest.json lacks ${key}`);
    if (seen.has(chunk.file)) return;
    for (const file of [chunk.file, ...(chunk.css ?? []), ...(chunk.assets ?? [])]) seen.add(file);
    for (const next of chunk.imports ?? []) visit(next);
  };
  ["index.html", ...alsoFirst].forEach(visit);
  return seen.add("index.html");
}

const manifest = JSON.parse(readFileSync(join(dist, "manifest.json"), "utf8"));
rmSync(join(dist, "manifest.json"));
writeFileSync(join(dist, "licences.txt"), licences().join(`\n${"-".repeat(80)}\n\n`));
const assets = files(dist).sort().map(pack);
writeFileSync(join(dist, "assets.json"), JSON.stringify(assets, null, 1) + "\n");

const first = firstFiles(manifest);
const size = (list) => list.reduce((sum, asset) => sum + (asset.gzip || asset.raw), 0);
const measured = { first: size(assets.filter((asset) => first.has(asset.file))), everything: size(assets) };
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;
console.log(
  `page: first load ${kb(measured.first)} of ${kb(budgets.first)}, everything ${kb(measured.everything)} of ${kb(budgets.everything)} (gzip)`,
);
for (const name of Object.keys(budgets)) {
  if (measured[name] <= budgets[name]) continue;
  console.error(`page: ${name} is over its budget`);
  process.exitCode = 1;
}
