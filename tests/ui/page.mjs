#!/usr/bin/env node
// The page in headless Chromium: usage: [SHENBI=ADDRESS or PROGRAM] node tests/ui/page.mjs [WORD]
// WORD runs only the tests whose name contains it. Without SHENBI the page (web/dist) is served by its mock server, whose
// model recites by the words of a question; with it, tests of those recitations are left out. The last line says
// "N passed, N failed". VERBOSE=1 names each test; SHOTS=FOLDER keeps a picture of each failure.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { axeSource, launch, newPage, server } from "./browser.mjs";

const tests = [];
const test = (name, run, options = {}) => tests.push({ name, run, ...options });
const onMock = { mockOnly: true };

const patienceMs = process.env.SHENBI ? 120_000 : 60_000; // a busy machine takes its time

// --- what a reader does ---------------------------------------------------------------------------------------------------

const composer = (page) => page.locator(".composer textarea");
const questions = (page) => page.locator("article.question");
const answers = (page) => page.locator("article.answer");
const lastAnswer = (page) => answers(page).last();
const control = (scope, name) => scope.getByRole("button", { name, exact: true });

async function send(page, text) {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

async function ended(page, count = 1) {
  await page.waitForFunction(
    (n) => document.querySelectorAll("article.answer").length >= n && !document.querySelector('article.answer[aria-busy="true"]'),
    count,
    { timeout: patienceMs },
  );
}

async function growing(page) {
  await page.waitForFunction(() => document.querySelector('article.answer[aria-busy="true"] .prose')?.textContent.length > 3, null, { timeout: patienceMs });
}

/** Stops a running answer; a real model may have come to its end by itself. */
async function halt(page) {
  await control(page, "Stop").click({ timeout: 3000 }).catch(() => {});
  await ended(page);
}

const textOf = async (locator) => (await locator.textContent()).trim();

async function chooseFromMenu(page, button, item) {
  await button.click();
  await page.locator(".popover:popover-open .menu-item", { hasText: item }).first().click();
}

/** Whether what was typed stayed in place: the count of questions did not change and the text is still there. */
async function notSent(page, text) {
  assert.equal(await questions(page).count(), 0);
  assert.equal(await composer(page).inputValue(), text);
}

// --- writing and reading --------------------------------------------------------------------------------------------------

test("a question is sent with Enter, its answer streams in, and the line under it tells tokens and speed", async ({ page }) => {
  await send(page, "Tell a story about Ma Liang, long and slow");
  await growing(page);
  const early = (await textOf(lastAnswer(page))).length;
  await page.waitForFunction((n) => document.querySelector("article.answer").textContent.length > n + 20, early);
  await halt(page);
  assert.equal(await textOf(questions(page).first().locator(".bubble")), "Tell a story about Ma Liang, long and slow");
});

test("an answer that came to its end has figures, and a click on them opens its details", async ({ page }) => {
  await page.getByRole("button", { name: "Sampling" }).click();
  await page.getByLabel("Longest answer, tokens").fill("12");
  await page.getByLabel("Longest answer, tokens").press("Tab");
  await send(page, "Who was Ma Liang?");
  await ended(page);
  await page.waitForFunction(() => /tokens\/s/.test(document.querySelector(".answer-line")?.textContent));
  await page.locator(".answer-line").click();
  const details = page.getByRole("complementary", { name: "Details" });
  await details.getByText("Time to first token").waitFor();
  await page.keyboard.press("Escape");
  await details.waitFor({ state: "detached" });
});

test("Stop ends a running answer, what came stays, and Continue goes on with it", async ({ page }) => {
  await send(page, "Write a long slow text");
  await growing(page);
  await control(page, "Stop").click();
  await ended(page);
  await page.getByText("Stopped.").waitFor();
  const before = await textOf(lastAnswer(page).locator(".prose"));
  assert.ok(before.length > 3);
  await control(page, "Continue").click();
  await page.waitForFunction((text) => {
    const now = document.querySelector("article.answer .prose").textContent.trim();
    return now.length > text.length && now.startsWith(text.slice(0, 3));
  }, before);
  if (await control(page, "Stop").isVisible()) await control(page, "Stop").click();
  await ended(page);
  assert.equal(await answers(page).count(), 1);
});

test("an answer cut by its length says so and can be continued", async ({ page }) => {
  await send(page, "length");
  await ended(page);
  await page.getByText("The answer reached its length limit.").waitFor();
  await control(page, "Continue").click();
  await page.getByText("And so it went on.").waitFor();
}, onMock);

test("an edit makes a branch, < 1/2 > goes back, and a reload shows the branch that was chosen", async ({ page }) => {
  await send(page, "first slow wording");
  await growing(page);
  await control(page, "Stop").click();
  await ended(page);
  await questions(page).first().hover();
  await control(questions(page).first(), "Edit").click();
  await page.locator(".editing textarea").fill("second slow wording");
  await page.locator(".editing textarea").press("Enter");
  await growing(page);
  await control(page, "Stop").click();
  await ended(page);
  assert.equal(await textOf(page.locator(".question .branch-count")), "2/2");
  await control(page, "Previous version").click();
  await page.getByText("first slow wording").last().waitFor();
  assert.equal(await textOf(page.locator(".question .branch-count")), "1/2");
  await page.waitForLoadState("networkidle");
  await page.reload();
  await page.locator("article.question .bubble", { hasText: "first slow wording" }).waitFor();
});

test("regenerate gives a further answer, with the same or another model", async ({ page, mock }) => {
  await send(page, "Say something slow");
  await growing(page);
  await control(page, "Stop").click();
  await ended(page);
  await chooseFromMenu(page, control(lastAnswer(page), "Regenerate"), "With the same model");
  await growing(page);
  await control(page, "Stop").click();
  await ended(page);
  assert.equal(await textOf(page.locator(".answer .branch-count")), "2/2");
  assert.equal(await answers(page).count(), 1);
  if (!mock) return;
  await chooseFromMenu(page, control(lastAnswer(page), "Regenerate"), "llama3.2:1b");
  await page.locator(".answer .branch-count", { hasText: "3/3" }).or(page.locator("article.answer.running")).waitFor();
  await control(page, "Stop").click();
  await page.locator(".answer-model", { hasText: "llama3.2:1b" }).waitFor();
});

test("a reload while an answer runs takes the stream up again and loses nothing", async ({ page }) => {
  await send(page, "A long slow one");
  await growing(page);
  const before = await textOf(lastAnswer(page).locator(".prose"));
  await page.reload();
  await growing(page);
  await page.waitForFunction((text) => {
    const now = document.querySelector("article.answer .prose")?.textContent.trim() ?? "";
    return now.length > text.length && now.startsWith(text.slice(0, 20));
  }, before);
  await control(page, "Stop").click();
  await ended(page);
});

test("a broken connection is taken up again", async ({ page, address }) => {
  await send(page, "patient story");
  await growing(page);
  await fetch(`${address}/mock/drop`, { method: "POST" });
  await ended(page);
  assert.match(await textOf(lastAnswer(page).locator(".prose")), /^Ma Liang was a poor boy .* never a coin for the rich\.$/);
}, onMock);

test("thinking is folded, counts its time, and opens", async ({ page }) => {
  await send(page, "ponder");
  await page.getByRole("button", { name: /^Thinking · \d/ }).waitFor();
  await control(page, "Stop").click();
  await page.getByRole("button", { name: /^Thought for / }).waitFor();
  await control(page, "New chat").click();
  await send(page, "think about it");
  await ended(page);
  const head = page.getByRole("button", { name: /^Thought for / });
  await head.click();
  await page.getByText("The question is simple").waitFor();
}, onMock);

test("a failed answer keeps its text, says why and can be tried again; a warning is shown", async ({ page }) => {
  await send(page, "fail please");
  await ended(page);
  await page.getByText("the model ran out of memory after 3 tokens").waitFor();
  await page.getByText("It began well").waitFor();
  await control(page, "Retry").click();
  await page.locator(".answer .branch-count", { hasText: "2/2" }).waitFor();
  await ended(page);
  await send(page, "warn me");
  await page.getByText("a tool call was malformed and is shown as text").waitFor();
}, onMock);

test("a question that the server refuses comes back into the composer", async ({ page }) => {
  await send(page, "refuse this");
  await page.locator(".toast.fault").getByText("the prompt is longer than the context").waitFor();
  assert.equal(await composer(page).inputValue(), "refuse this");
  assert.equal(new URL(page.url()).hash, "#/chat");
  await page.locator(".list .item", { hasText: "refuse this" }).waitFor({ state: "detached" });
}, onMock);

// --- typing ---------------------------------------------------------------------------------------------------------------

test("Enter that ends an IME composition does not send, the next one does", async ({ page, context }) => {
  await composer(page).focus();
  const cdp = await context.newCDPSession(page);
  for (const text of ["n", "ni", "ni h", "ni hao"])
    await cdp.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
  await cdp.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key: "Enter", code: "Enter", windowsVirtualKeyCode: 229 });
  await cdp.send("Input.insertText", { text: "你好" });
  await notSent(page, "你好");
  await page.evaluate(() => {
    const field = document.querySelector(".composer textarea");
    field.dispatchEvent(new CompositionEvent("compositionstart", { bubbles: true }));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    field.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true, data: "你好" }));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  });
  await notSent(page, "你好");
  await page.waitForFunction((t) => performance.now() > t + 100, await page.evaluate(() => performance.now()));
  await composer(page).press("Enter");
  await questions(page).first().getByText("你好").waitFor();
});

test("Shift+Enter breaks the line; with the other send key Enter does too and Ctrl+Enter sends", async ({ page, address }) => {
  await composer(page).fill("one");
  await composer(page).press("Shift+Enter");
  await notSent(page, "one\n");
  await page.goto(`${address}/#/settings`);
  await page.getByRole("radio", { name: "Ctrl Enter" }).check();
  await page.goto(`${address}/#/chat`);
  await composer(page).fill("two");
  await composer(page).press("Enter");
  await notSent(page, "two\n");
  await composer(page).press("Control+Enter");
  await questions(page).first().waitFor();
});

test("a draft survives a reload, and a long paste stays text", async ({ page }) => {
  const long = "一段很长的文字。 A long paste. ".repeat(3000);
  await composer(page).fill(long);
  await page.reload();
  await composer(page).waitFor();
  assert.equal(await composer(page).inputValue(), long);
  const { height } = await page.locator(".composer").boundingBox();
  assert.ok(height < 800 / 2, `the composer is ${height} pixels high`);
});

test("the estimate follows typing and warns before the context overflows", async ({ page }) => {
  await page.locator(".model-button").click();
  await page.getByRole("combobox").fill("qwen");
  await page.getByRole("combobox").press("Enter");
  await composer(page).fill("Hello there");
  await page.locator(".meter", { hasText: "3 / 2,048" }).waitFor();
  await composer(page).fill("word ".repeat(1500));
  await page.locator(".meter.amber").waitFor();
  await composer(page).fill("word ".repeat(3000));
  await page.locator(".meter.rust").waitFor();
}, onMock);

test("the arrow key edits the last question, and @ opens the models, in an empty message", async ({ page }) => {
  await send(page, "a slow question");
  await growing(page);
  await control(page, "Stop").click();
  await ended(page);
  await composer(page).press("ArrowUp");
  assert.equal(await page.locator(".editing textarea").inputValue(), "a slow question");
  await page.locator(".editing textarea").press("Escape");
  await composer(page).press("@");
  await page.locator(".model-choice").first().waitFor();
});

test("a sampling setting is sent, counted, and goes back to the model default", async ({ page }) => {
  const sent = [];
  page.on("request", (request) => request.url().endsWith("/ask") && sent.push(request.postDataJSON()));
  await control(page, "Sampling").click();
  await page.getByLabel("Temperature", { exact: true }).fill("0.4");
  await page.getByLabel("Longest answer, tokens").fill("9");
  await page.getByLabel("System prompt").fill("Answer in one line.");
  await page.getByLabel("System prompt").press("Tab");
  await page.locator(".dot", { hasText: "3" }).waitFor();
  await control(page, "Reset Temperature to the model default").click();
  await send(page, "hello");
  await ended(page);
  assert.deepEqual(sent[0].params, { max_tokens: 9, system: "Answer in one line." });
});

// --- what an answer is made of --------------------------------------------------------------------------------------------

test("Chinese emphasis next to full-width punctuation is emphasis", async ({ page }) => {
  await send(page, "神笔马良是谁？");
  await ended(page);
  const strong = await lastAnswer(page).locator("strong").allTextContents();
  assert.deepEqual(strong, ["神笔", "“画龙点睛”", "勤奋：", "善良：", "勇气：", "大海"]);
}, onMock);

test("streamed in pieces or painted at once, an answer is the same", async ({ page }) => {
  for (const word of ["code", "table", "math", "中文", "arabic"]) {
    await page.goto(`${page.url().split("#")[0]}#/chat`);
    await send(page, word);
    await ended(page);
    await page.waitForLoadState("networkidle");
    const settled = () => lastAnswer(page).locator(".prose").innerHTML().then((html) => html.replace(/ aria-label="[^"]*"| id="[^"]*"/g, ""));
    await page.waitForFunction(() => !document.querySelector(".math:not(:has(math))"));
    if (word === "code") await page.locator(".hljs-keyword").first().waitFor();
    const streamed = await settled();
    await page.reload();
    await ended(page);
    await page.waitForFunction(() => !document.querySelector(".math:not(:has(math))"));
    if (word === "code") await page.waitForFunction((n) => document.querySelectorAll("[class^=hljs]").length >= n, (streamed.match(/hljs/g) ?? []).length);
    assert.equal(await settled(), streamed);
  }
}, onMock);

test("code has its language, colours, copy and download; a table is copied as CSV; an answer as Markdown", async ({ page }) => {
  await send(page, "code");
  await ended(page);
  await page.locator(".hljs-keyword", { hasText: "import" }).first().waitFor();
  assert.equal(await page.locator(".bar-name").first().textContent(), "python");
  await control(page.locator(".code").first(), "Copy code").click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^import re\n\ndef words/);
  const download = page.waitForEvent("download");
  await control(page.locator(".code").first(), "Download").click();
  assert.equal((await download).suggestedFilename(), "code.py");
  await send(page, "table");
  await ended(page, 2);
  await page.locator("figure.table").hover();
  await control(page, "Copy as CSV").click();
  const csv = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(csv, /^Model,Parameters,.*\r\ngemma-3-270m,"268,098,176",.*"base model, ""small"""\r\n/);
  await control(lastAnswer(page), "Copy as Markdown").click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^Here is a wide table\.\n\n\| Model \|/);
}, onMock);

test("formulas become MathML and money stays money", async ({ page }) => {
  await send(page, "math");
  await ended(page);
  await page.waitForFunction(() => document.querySelectorAll(".prose math").length === 4);
  assert.match(await textOf(lastAnswer(page)), /It costs \$5 or \$10, which is money\./);
}, onMock);

test("hostile answers stay text: no dialog, no request, no foreign element", async ({ page }) => {
  await send(page, "xss");
  await ended(page);
  await page.waitForLoadState("networkidle");
  const found = await page.locator(".prose").evaluate((prose) => ({
    elements: prose.querySelectorAll("script,img,iframe,style,form,object,embed,link,base,video,audio").length,
    handlers: [...prose.querySelectorAll("*")].filter((node) => [...node.attributes].some((one) => /^on|^style$|^srcdoc$/.test(one.name))).length,
    links: [...prose.querySelectorAll("a")].map((link) => [link.protocol, link.rel, link.target]),
  }));
  assert.equal(found.elements, 0);
  assert.equal(found.handlers, 0);
  for (const [protocol, rel, target] of found.links) {
    assert.match(protocol, /^https?:$/);
    assert.equal(rel, "noopener noreferrer nofollow");
    assert.equal(target, "_blank");
  }
  await page.locator("a.picture", { hasText: "tracker" }).waitFor();
}, onMock);

test("right-to-left text finds its direction", async ({ page }) => {
  await send(page, "arabic");
  await ended(page);
  const directions = await page.locator(".prose p").evaluateAll((all) => all.map((one) => getComputedStyle(one).direction));
  assert.deepEqual(directions, ["rtl", "ltr"]);
}, onMock);

test("the view follows the end, leaves a reader who scrolls up alone, and a pill leads back", async ({ page }) => {
  await send(page, "long");
  await growing(page);
  const view = page.locator(".transcript");
  await page.waitForFunction(() => document.querySelector(".transcript").scrollTop > 200);
  await view.hover();
  await page.mouse.wheel(0, -150);
  await page.locator(".pill").waitFor();
  const top = await view.evaluate((node) => node.scrollTop);
  await ended(page);
  assert.ok(Math.abs((await view.evaluate((node) => node.scrollTop)) - top) <= 150);
  await page.locator(".pill").click();
  await page.waitForFunction(() => {
    const node = document.querySelector(".transcript");
    return node.scrollHeight - node.scrollTop - node.clientHeight < 32;
  });
}, onMock);

test("a listing of 5,000 lines streams in and the page stays usable", async ({ page }) => {
  await send(page, "listing");
  await growing(page);
  await composer(page).fill("typed meanwhile");
  await ended(page);
  const lines = await page.locator(".code pre").evaluate((pre) => pre.textContent.trimEnd().split("\n").length);
  assert.equal(lines, 5000);
  assert.equal(await composer(page).inputValue(), "typed meanwhile");
}, onMock);

// --- history --------------------------------------------------------------------------------------------------------------

async function shortTalk(page, text) {
  await send(page, text);
  await page.waitForFunction(() => document.querySelector("article.answer"));
  const stop = control(page, "Stop");
  if (await stop.isVisible()) await stop.click().catch(() => {});
  await ended(page);
  await page.locator(".list .item[aria-current]").waitFor();
}
const rowOf = (page, title) => page.locator(".list .row", { hasText: title });
const menuOf = async (page, title, item) => {
  await rowOf(page, title).first().hover();
  await chooseFromMenu(page, rowOf(page, title).first().locator(".tool"), item);
};

test("a conversation is titled by its first words, renamed, pinned, put in a folder, deleted and brought back", async ({ page, unique }) => {
  await shortTalk(page, `slow brush ${unique}`);
  await rowOf(page, `slow brush ${unique}`).waitFor();
  await menuOf(page, `slow brush ${unique}`, "Rename");
  await page.locator("input.rename").fill(`Ink ${unique}`);
  await page.locator("input.rename").press("Enter");
  await page.locator(".head .title", { hasText: `Ink ${unique}` }).waitFor();
  await menuOf(page, `Ink ${unique}`, "Pin");
  await page.locator("section", { hasText: "Pinned" }).locator(".item", { hasText: `Ink ${unique}` }).waitFor();
  await menuOf(page, `Ink ${unique}`, "Unpin");
  await page.getByRole("button", { name: "New folder" }).click();
  await page.locator("input.rename").fill(`Box ${unique}`);
  await page.locator("input.rename").press("Enter");
  await rowOf(page, `Box ${unique}`).waitFor();
  await menuOf(page, `Ink ${unique}`, `Move to Box ${unique}`);
  await rowOf(page, `Box ${unique}`).locator(".count", { hasText: "1" }).waitFor();
  await rowOf(page, `Box ${unique}`).locator(".folder").click();
  await menuOf(page, `Ink ${unique}`, "Delete");
  await rowOf(page, `Ink ${unique}`).waitFor({ state: "detached" });
  await control(page, "Undo").click();
  await rowOf(page, `Ink ${unique}`).waitFor();
});

test("a search finds text in messages and marks it", async ({ page, unique }) => {
  await shortTalk(page, `slow needle${unique} in the hay`);
  await page.getByLabel("Search", { exact: true }).fill(`needle${unique}`);
  const found = page.locator(".item.found");
  await found.locator("mark", { hasText: `needle${unique}` }).waitFor();
  await found.first().click();
  await questions(page).first().waitFor();
});

test("everything is exported, and an export is imported again", async ({ page, address, unique }) => {
  await shortTalk(page, `slow export ${unique}`);
  await page.goto(`${address}/#/settings`);
  const download = page.waitForEvent("download");
  await control(page, "Export").click();
  const file = await (await download).path();
  const data = JSON.parse(readFileSync(file, "utf8"));
  assert.equal(data.shenbi, 1);
  assert.ok(data.conversations.some((one) => one.title === `slow export ${unique}`));
  await page.locator('input[type="file"]').setInputFiles({ name: "shenbi.json", mimeType: "application/json", buffer: readFileSync(file) });
  await page.getByText(/Imported \d+ conversations?/).waitFor();
  await page.locator('input[type="file"]').setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from("{}") });
  await page.locator(".toast.fault").waitFor();
});

test("one conversation is saved as Markdown", async ({ page, unique }) => {
  await shortTalk(page, `slow markdown ${unique}`);
  const download = page.waitForEvent("download");
  await menuOf(page, `slow markdown ${unique}`, "Export as Markdown");
  const saved = await download;
  assert.equal(saved.suggestedFilename(), `slow markdown ${unique}.md`);
  assert.ok(readFileSync(await saved.path(), "utf8").includes(`slow markdown ${unique}`));
});

// --- the frame ------------------------------------------------------------------------------------------------------------

test("Ctrl+K runs actions by a few letters, Ctrl+/ shows the shortcuts, Escape closes the top layer", async ({ page }) => {
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("dark");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  await page.keyboard.press("Control+/");
  await page.getByRole("dialog").getByText("Keyboard shortcuts").waitFor();
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog[open]"));
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("models");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Models" }).waitFor();
});

test("the language changes without a reload and starts from the browser's", async ({ browser, address, page }) => {
  await page.evaluate(() => (window.sameDocument = true));
  await page.goto(`${address}/#/settings`);
  await page.getByRole("radio", { name: "中文" }).check();
  await page.getByRole("heading", { name: "设置" }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "zh-CN");
  assert.equal(await page.evaluate(() => window.sameDocument), true);
  const other = await newPage(browser, address, { locale: "zh-CN" });
  await other.page.getByPlaceholder("输入消息").waitFor();
  await other.context.close();
});

test("dark follows the system until a theme is chosen", async ({ browser, address }) => {
  const { page, context } = await newPage(browser, address, { colorScheme: "dark" });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(await ground(), "rgb(22, 24, 27)");
  await page.goto(`${address}/#/settings`);
  await page.getByRole("radio", { name: "Light" }).check();
  assert.equal(await ground(), "rgb(251, 250, 247)");
  await context.close();
});

test("on a phone the rail is a bar at the foot, lists slide over, and nothing is wider than the screen", async ({ browser, address, unique }) => {
  const { page, context } = await newPage(browser, address, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await send(page, `slow phone ${unique}, a table`);
  await growing(page);
  const rail = await page.locator(".rail").boundingBox();
  assert.ok(rail.y > 780 && rail.width === 390);
  await page.getByRole("button", { name: "Show or hide conversations" }).tap();
  await page.locator(".list .item[aria-current]").tap();
  await page.locator(".list-over").waitFor({ state: "detached" });
  for (const room of ["chat", "models", "settings"]) {
    await page.goto(`${address}/#/${room}`);
    await page.locator(`.door[aria-current][href="#/${room}"]`).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  }
  await context.close();
});

test("models are listed with size, context and quantisation, and a base model says that it is one", async ({ page, address }) => {
  await page.locator(".base-note", { hasText: "is a base model" }).waitFor();
  await page.goto(`${address}/#/models`);
  const row = page.locator("tbody tr").first();
  await row.waitFor();
  assert.match(await textOf(row), /Base.*\d+.*(KB|MB|GB)/);
});

test("a server that is away is told of, and the page comes back with it", async ({ page, context, unique }) => {
  await shortTalk(page, `slow away ${unique}`);
  await context.route("**/page/**", (route) => route.abort());
  await page.reload();
  await page.getByRole("alert").getByText("The server cannot be reached").waitFor();
  await context.unroute("**/page/**");
  await page.getByRole("alert").waitFor({ state: "detached" });
  await page.locator("article.question .bubble", { hasText: `slow away ${unique}` }).waitFor();
  await rowOf(page, `slow away ${unique}`).waitFor();
});

test("a server that wants a key is asked with it", async ({ page, context }) => {
  await context.route("**/page/**", (route) => {
    const known = route.request().headers().authorization === "Bearer sesame";
    if (known) return route.continue();
    if (route.request().url().endsWith("/config")) return route.fulfill({ json: { version: "1", needs_key: true, models: [] } });
    return route.fulfill({ status: 401, json: { error: { message: "a key is needed", type: "authentication_error", code: null } } });
  });
  await page.reload();
  await page.getByRole("dialog", { name: "Key needed" }).waitFor();
  await page.getByLabel("Key", { exact: true }).fill("sesame");
  await control(page, "Use key").click();
  await page.locator(".base-note, .model-name:not(:empty)").first().waitFor();
  await send(page, "with a slow key");
  await questions(page).first().waitFor();
}, onMock);

for (const theme of ["light", "dark"]) {
  test(`axe finds nothing serious in ${theme}`, async ({ page, address }) => {
    await page.evaluate((name) => localStorage.setItem("shenbi.theme", JSON.stringify(name)), theme);
    await page.reload();
    await page.locator(".composer textarea").waitFor();
    await send(page, "code 神笔");
    await page.waitForFunction(() => document.querySelector("article.answer"));
    await page.waitForFunction(() => document.querySelector("article.answer .prose")?.textContent.length > 3);
    await halt(page);
    const look = async (where) => {
      await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.effect.getComputedTiming().iterations === Infinity || one.finished.catch(() => {}))));
      const violations = await page.evaluate(async () => {
        const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
        return violations.map((one) => `${one.impact} ${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
      });
      assert.deepEqual(violations.filter((one) => /^(serious|critical)/.test(one)), [], where);
    };
    await page.evaluate(readFileSync(axeSource, "utf8"));
    await look("chat");
    await control(page, "Sampling").click();
    await look("sampling");
    await page.locator(".model-button").click();
    await page.locator(".model-choice").first().waitFor();
    await look("model picker");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector(":popover-open"));
    await page.getByRole("complementary", { name: "Sampling" }).waitFor(); // Escape closed the top layer and no more
    await page.keyboard.press("Control+k");
    await page.locator(".palette-row").first().waitFor();
    await look("palette");
    await page.keyboard.press("Escape");
    for (const room of ["models", "settings"]) {
      await page.goto(`${address}/#/${room}`);
      await page.getByRole("heading").first().waitFor();
      await look(room);
    }
  });
}

// --- running --------------------------------------------------------------------------------------------------------------

async function runOne(browser, target, { name, run }) {
  const { page, context, offences } = await newPage(browser, target.address);
  page.setDefaultTimeout(patienceMs);
  try {
    await run({ browser, page, context, address: target.address, mock: target.mock, unique: Math.random().toString(36).slice(2, 8) });
    assert.deepEqual(offences, []);
    return true;
  } catch (error) {
    console.log(`FAILED ${name}\n  ${String(error.stack ?? error).split("\n").slice(0, 12).join("\n  ")}`);
    for (const offence of offences) console.log(`  ${offence}`);
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name.replace(/\W+/g, "-").slice(0, 60)}.png` });
    return false;
  } finally {
    await context.close();
  }
}

const word = process.argv[2] ?? "";
const target = await server();
const browser = await launch();
let [passed, failed] = [0, 0];
for (const one of tests) {
  if (!one.name.includes(word) || (one.mockOnly && !target.mock)) continue;
  const began = performance.now();
  const ok = await runOne(browser, target, one);
  if (ok) passed++;
  else failed++;
  if (process.env.VERBOSE) console.log(`${ok ? "ok" : "no"} ${((performance.now() - began) / 1000).toFixed(1)} s  ${one.name}`);
}
await browser.close();
await target.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
