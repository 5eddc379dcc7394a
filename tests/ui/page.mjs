#!/usr/bin/env node
// The page in headless Chromium: usage: [SHENBI=ADDRESS or PROGRAM] node tests/ui/page.mjs [WORD]
// Without SHENBI the page (web/dist) is served by its mock server, whose model recites by the words of a question; with it
// by the program, with the default model: then only the tests run in which the server has a part. WORD runs only the tests
// whose name contains it. The last line says "N passed, N failed". VERBOSE=1 names each test; SHOTS=FOLDER keeps a picture
// of each failure; SLOWNESS=8 makes the page's scripts that much slower.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { launch, newPage, patienceMs, server, stranger } from "./browser.mjs";
import { tests } from "./registry.mjs";

const cases = new URL("cases/", import.meta.url);
for (const file of readdirSync(cases).sort()) await import(new URL(file, cases));

async function runOne(tools, number, { name, run }) {
  const { browser, target, foreign } = tools;
  const opened = [];
  const closeAll = () => Promise.all(opened.map((one) => one.context.close()));
  const watchdog = setTimeout(closeAll, 4 * patienceMs); // for what has no patience of its own, such as a script in the page
  const open = async (options) => {
    opened.push(await newPage(browser, target, options));
    return opened.at(-1);
  };
  try {
    const { page, context, offences } = await open();
    await run({ open, page, context, offences, foreign, address: target.address, mock: target.mock, unique: `n${number}` });
    for (const one of opened) assert.deepEqual(one.offences, []);
    assert.equal(foreign.requests, 0, "requests to a foreign server");
    return true;
  } catch (error) {
    console.log(`FAILED ${name}\n  ${String(error.stack ?? error).split("\n").slice(0, 16).join("\n  ")}`);
    for (const offence of opened.flatMap((one) => one.offences)) console.log(`  ${offence}`);
    if (process.env.SHOTS) await opened.at(-1)?.page.screenshot({ path: `${process.env.SHOTS}/${name.replace(/\W+/g, "-").slice(0, 60)}.png` }).catch(() => {});
    return false;
  } finally {
    clearTimeout(watchdog);
    await closeAll();
    foreign.requests = 0;
  }
}

const word = process.argv[2] ?? "";
const target = await server();
const tools = { target, browser: await launch(), foreign: await stranger() };
let [passed, failed] = [0, 0];
for (const [number, one] of tests.entries()) {
  if (!one.name.includes(word) || one.on === (target.mock ? "real" : "mock")) continue;
  const began = performance.now();
  const ok = await runOne(tools, number, one);
  if (ok) passed++;
  else failed++;
  if (process.env.VERBOSE) console.log(`${ok ? "ok" : "no"} ${((performance.now() - began) / 1000).toFixed(1)} s  ${one.name}`);
}
await tools.browser.close();
tools.foreign.close();
await target.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed || !passed ? 1 : 0;
