// A real browser, one fresh profile a test, and the server under test: SHENBI (an address) or the page's mock server.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { once } from "node:events";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");
export const axeSource = require.resolve("axe-core/axe.min.js");

const flags = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
]; // prettier-ignore

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });

/** {address, mock, close} */
export async function server() {
  if (process.env.SHENBI) return { address: process.env.SHENBI.replace(/\/$/, ""), mock: false, close() {} };
  const program = new URL("../../web/mock/main.mjs", import.meta.url).pathname;
  const child = spawn(process.execPath, [program, "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  return { address: String(line).trim(), mock: true, close: () => child.kill() };
}

/**
 * A page of its own, which records what no test may cause: script errors, refusals by the content policy, dialogs, and
 * requests to any other address.
 */
export async function newPage(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", ...options });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: address });
  const page = await context.newPage();
  const offences = [];
  page.on("pageerror", (error) => offences.push(`script error: ${error.stack}`));
  page.on("console", (message) => /Content Security Policy|Trusted/.test(message.text()) && offences.push(message.text()));
  page.on("dialog", (dialog) => (offences.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("request", (request) => !/^(blob:|data:)/.test(request.url()) && !request.url().startsWith(address) && offences.push(`request: ${request.url()}`));
  await page.goto(address);
  await page.locator("textarea").first().waitFor();
  return { page, context, offences };
}
