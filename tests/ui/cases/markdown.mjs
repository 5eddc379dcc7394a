// What an answer is made of.
import assert from "node:assert/strict";
import { becomes, clipboard, composer, control, ended, growing, lastAnswer, reload, send, textOf } from "../reader.mjs";
import { test } from "../registry.mjs";

test("Chinese emphasis next to full-width punctuation is emphasis", async ({ page }) => {
  await send(page, "神笔马良是谁？");
  await ended(page);
  await becomes(() => lastAnswer(page).locator("strong").allTextContents(), ["神笔", "“画龙点睛”", "勤奋：", "善良：", "勇气：", "大海"]);
});

test("streamed in pieces or painted at once, an answer is the same", async ({ page }) => {
  for (const word of ["code", "table", "math", "中文", "arabic"]) {
    await control(page, "New chat").click();
    await send(page, word);
    await ended(page);
    const complete = () =>
      page.waitForFunction(() => !document.querySelector(".math:not(:has(math))") && [...document.querySelectorAll(".code")].every((one) => one.querySelector("[class^=hljs]")));
    const settled = () => lastAnswer(page).locator(".prose").innerHTML().then((html) => html.replace(/ aria-label="[^"]*"| id="[^"]*"/g, ""));
    await complete();
    const streamed = await settled();
    await reload(page);
    await ended(page);
    await complete();
    assert.equal(await settled(), streamed);
  }
});

test("code has its language, colours, copy and download; a table is copied as CSV; an answer as Markdown", async ({ page }) => {
  await send(page, "code");
  await ended(page);
  await page.locator(".hljs-keyword", { hasText: "import" }).first().waitFor();
  await becomes(() => textOf(page.locator(".bar-name").first()), "python");
  await control(page.locator(".code").first(), "Copy code").click();
  await becomes(() => clipboard(page), /^import re\n\ndef words/);
  const download = page.waitForEvent("download");
  await control(page.locator(".code").first(), "Download").click();
  assert.equal((await download).suggestedFilename(), "code.py");
  await send(page, "table");
  await ended(page, 2);
  await page.locator("figure.table").hover();
  await control(page, "Copy as CSV").click();
  await becomes(() => clipboard(page), /^Model,Parameters,.*\r\ngemma-3-270m,"268,098,176",.*"base model, ""small"""\r\n/);
  await control(lastAnswer(page), "Copy as Markdown").click();
  await becomes(() => clipboard(page), /^Here is a wide table\.\n\n\| Model \|/);
});

test("formulas become MathML and money stays money", async ({ page }) => {
  await send(page, "math");
  await ended(page);
  await page.waitForFunction(() => document.querySelectorAll(".prose math").length === 4);
  await becomes(() => textOf(lastAnswer(page)), /It costs \$5 or \$10, which is money\./);
});

test("right-to-left text finds its direction", async ({ page }) => {
  await send(page, "arabic");
  await ended(page);
  const directions = () => page.locator(".prose p").evaluateAll((all) => all.map((one) => getComputedStyle(one).direction));
  await becomes(directions, ["rtl", "ltr"]);
});

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
});

test("a listing of 5,000 lines streams in and the page stays usable", async ({ page }) => {
  await send(page, "listing");
  await growing(page);
  await composer(page).fill("typed meanwhile");
  await ended(page);
  await becomes(() => page.locator(".code pre").evaluate((pre) => pre.textContent.trimEnd().split("\n").length), 5000);
  assert.equal(await composer(page).inputValue(), "typed meanwhile");
});
