// A real browser, one fresh profile a test, and the server under test. SHENBI names it: an address, or the program, which
// is then started with the default model and a data folder of its own; without it the page's mock server is taken.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const axeSource = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
export const patienceMs = 1000 * Number(process.env.PATIENCE ?? 120); // of one step: a busy machine takes its time
const slowness = Number(process.env.SLOWNESS ?? 0); // how many times slower than this machine the page's scripts run: shows tests that count on speed

const flags = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
]; // prettier-ignore

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });

/** {address, mock, close} */
export function server() {
  const named = process.env.SHENBI ?? "";
  if (/^https?:/.test(named)) return { address: named.replace(/\/$/, ""), mock: false, close() {} };
  return named ? realServer(named) : mockServer();
}

async function mockServer() {
  const program = new URL("../../web/mock/main.mjs", import.meta.url).pathname;
  const child = spawn(process.execPath, [program, "0"], { stdio: ["ignore", "pipe", "inherit"] });
  return { address: await firstLine(child), mock: true, close: () => child.kill() };
}

async function realServer(program) {
  const home = mkdtempSync(join(tmpdir(), "shenbi-ui-"));
  const pulled = process.env.SHENBI_HOME ?? join(process.env.XDG_DATA_HOME ?? join(homedir(), ".local/share"), "shenbi");
  for (const part of ["models", "blobs"]) if (existsSync(join(pulled, part))) symlinkSync(join(pulled, part), join(home, part));
  const child = spawn(program, ["serve", "--port", "0", "--patience", "1", "--model", "gemma3:270m", "--speculate", "off"], {
    env: { ...process.env, SHENBI_HOME: home },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const address = await firstLine(child);
  while (!(await fetch(`${address}/ready`)).ok) await new Promise((resolve) => setTimeout(resolve, 50));
  const close = async () => {
    child.kill();
    await once(child, "exit");
    rmSync(home, { recursive: true });
  };
  return { address, mock: false, close };
}

async function firstLine(child) {
  process.on("exit", () => child.kill()); // also where a test run breaks
  const [data] = await Promise.race([once(child.stdout, "data"), once(child, "exit").then(() => Promise.reject(new Error("the server ended at once")))]);
  return String(data).trim();
}

/** A server of somebody else on this machine: whoever asks it anything has left the page. */
export async function stranger() {
  const foreign = { requests: 0 };
  const listener = createServer((_, response) => (foreign.requests++, response.end())).listen(0, "127.0.0.1");
  await once(listener, "listening");
  return Object.assign(foreign, { address: `http://127.0.0.1:${listener.address().port}`, close: () => listener.close() });
}

/**
 * A page of its own, which records what no test may cause: script errors, refusals by the content policy, dialogs, and
 * requests to any other address. With a real model chance is left out (temperature 0), and what it has said once is what it
 * most likes to say again, so that no answer ends by itself before it is stopped or has reached its length.
 */
export async function newPage(browser, { address, mock }, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", ...options });
  context.setDefaultTimeout(patienceMs);
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: address });
  if (!mock) await context.addInitScript(() => (localStorage["shenbi.params"] ??= '{"temperature":0,"presence_penalty":-2,"frequency_penalty":-2}'));
  const page = await context.newPage();
  if (slowness) await (await context.newCDPSession(page)).send("Emulation.setCPUThrottlingRate", { rate: slowness });
  const offences = [];
  page.on("pageerror", (error) => offences.push(`script error: ${error.stack}`));
  page.on("console", (message) => /Content Security Policy|Trusted/.test(message.text()) && offences.push(message.text()));
  page.on("dialog", (dialog) => (offences.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("request", (request) => !/^(blob:|data:)/.test(request.url()) && !request.url().startsWith(`${address}/`) && offences.push(`request: ${request.url()}`));
  await page.goto(address);
  await page.locator(".composer textarea").waitFor();
  return { page, context, offences };
}
