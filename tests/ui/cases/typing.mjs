// The composer: keys, input methods, drafts, the estimate, sampling.
import assert from "node:assert/strict";
import { becomes, composer, control, ended, endless, enter, questions, reload, send, talk } from "../reader.mjs";
import { test } from "../registry.mjs";

/** Whether what was typed stayed in place. */
async function notSent(page, text) {
  assert.equal(await questions(page).count(), 0);
  assert.equal(await composer(page).inputValue(), text);
}

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
  // Just after a composition no Enter sends; playing the clock forward is no way, as the events carry real times.
  await page.waitForFunction((from) => performance.now() > from + 100, await page.evaluate(() => performance.now()));
  await composer(page).press("Enter");
  await questions(page).first().getByText("你好").waitFor();
});

test("Shift+Enter breaks the line; with the other send key Enter does too and Ctrl+Enter sends", async ({ page }) => {
  await composer(page).fill("one");
  await composer(page).press("Shift+Enter");
  await notSent(page, "one\n");
  await enter(page, "settings");
  await page.getByRole("radio", { name: "Ctrl Enter" }).check();
  await enter(page, "chat");
  await composer(page).fill("two");
  await composer(page).press("Enter");
  await notSent(page, "two\n");
  await composer(page).press("Control+Enter");
  await questions(page).first().waitFor();
});

test("a draft survives a reload, and a long paste stays text", async ({ page }) => {
  const long = "一段很长的文字。 A long paste. ".repeat(3000);
  await composer(page).fill(long);
  await reload(page);
  await becomes(() => composer(page).inputValue(), long);
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
});

test("the arrow key edits the last question, and @ opens the models, in an empty message", async ({ page }) => {
  await talk(page, "a question");
  await composer(page).press("ArrowUp");
  await becomes(() => page.locator(".editing textarea").inputValue(), endless("a question"));
  await page.locator(".editing textarea").press("Escape");
  await composer(page).press("@");
  await page.locator(".model-choice").first().waitFor();
});

test("a sampling setting is sent, counted, and goes back to the model default", async ({ page, mock }) => {
  const sent = [];
  page.on("request", (request) => request.url().endsWith("/ask") && sent.push(request.postDataJSON()));
  await control(page, "Sampling").click();
  if (!mock) await control(page, "Reset all").click();
  await page.getByLabel("Temperature", { exact: true }).fill("0.4");
  await page.getByLabel("Longest answer, tokens").fill("9");
  await page.getByLabel("System prompt").fill("Answer in one line.");
  await page.getByLabel("System prompt").press("Tab");
  await page.locator(".dot", { hasText: "3" }).waitFor();
  await control(page, "Reset Temperature to the model default").click();
  await send(page, "hello");
  await ended(page);
  assert.deepEqual(sent[0].params, { max_tokens: 9, system: "Answer in one line." });
}, { on: "both" });
