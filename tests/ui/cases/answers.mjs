// Asking, streaming, stopping, and what can be done with an answer.
import assert from "node:assert/strict";
import { answers, becomes, chooseFromMenu, composer, control, ended, endless, growing, lastAnswer, questions, reload, send, stop, talk, textOf } from "../reader.mjs";
import { test } from "../registry.mjs";

const both = { on: "both" };

test("a question is sent with Enter, its answer streams in, and the line under it tells tokens and speed", async ({ page }) => {
  await send(page, endless("story"));
  await growing(page);
  const early = (await textOf(lastAnswer(page))).length;
  await page.waitForFunction((n) => document.querySelector("article.answer").textContent.length > n + 20, early);
  await stop(page);
  await becomes(() => textOf(questions(page).first().locator(".bubble")), endless("story"));
}, both);

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
}, both);

test("Stop ends a running answer, what came stays, and Continue goes on with it", async ({ page, mock }) => {
  await send(page, endless("text"));
  await growing(page);
  await stop(page);
  await page.getByText("Stopped.").waitFor();
  const before = await textOf(lastAnswer(page).locator(".prose"));
  assert.ok(before.length > 3);
  await control(page, "Continue").click();
  await page.waitForFunction((text) => {
    const now = document.querySelector("article.answer .prose").textContent.trim();
    return now.length > text.length && now.startsWith(text.slice(0, 3));
  }, before);
  if (mock) await ended(page);
  else await stop(page);
  assert.equal(await answers(page).count(), 1);
}, both);

test("an answer cut by its length says so and can be continued", async ({ page }) => {
  await send(page, "length");
  await ended(page);
  await page.getByText("The answer reached its length limit.").waitFor();
  await control(page, "Continue").click();
  await page.getByText("And so it went on.").waitFor();
});

test("an edit makes a branch, < 1/2 > goes back, and a reload shows the branch that was chosen", async ({ page }) => {
  await talk(page, "first wording");
  await questions(page).first().hover();
  await control(questions(page).first(), "Edit").click();
  await page.locator(".editing textarea").fill(endless("second wording"));
  await page.locator(".editing textarea").press("Enter");
  await growing(page);
  await stop(page);
  await becomes(() => textOf(page.locator(".question .branch-count")), "2/2");
  const stored = page.waitForResponse((response) => response.request().method() === "PATCH" && response.ok());
  await control(page, "Previous version").click();
  await page.locator("article.question .bubble", { hasText: "first wording" }).waitFor();
  await becomes(() => textOf(page.locator(".question .branch-count")), "1/2");
  await stored;
  await reload(page);
  await page.locator("article.question .bubble", { hasText: "first wording" }).waitFor();
}, both);

test("regenerate gives a further answer, with the same or another model", async ({ page, mock }) => {
  await talk(page, "something");
  await chooseFromMenu(page, control(lastAnswer(page), "Regenerate"), "With the same model");
  await growing(page);
  await stop(page);
  await becomes(() => textOf(page.locator(".answer .branch-count")), "2/2");
  assert.equal(await answers(page).count(), 1);
  if (!mock) return;
  await chooseFromMenu(page, control(lastAnswer(page), "Regenerate"), "llama3.2:1b");
  await growing(page);
  await stop(page);
  await page.locator(".answer .branch-count", { hasText: "3/3" }).waitFor();
  await page.locator(".answer-model", { hasText: "llama3.2:1b" }).waitFor();
}, both);

test("a reload while an answer runs takes the stream up again and loses nothing", async ({ page }) => {
  await send(page, endless("reloaded"));
  await growing(page);
  const before = await textOf(lastAnswer(page).locator(".prose"));
  await page.reload();
  await growing(page);
  await page.waitForFunction((text) => {
    const now = document.querySelector("article.answer .prose")?.textContent.trim() ?? "";
    return now.length > text.length && now.startsWith(text.slice(0, 20));
  }, before);
  await stop(page);
}, both);

test("a broken connection is taken up again", async ({ page, address }) => {
  await send(page, "patient story");
  await growing(page);
  await fetch(`${address}/mock/drop`, { method: "POST" });
  await ended(page);
  await becomes(() => textOf(lastAnswer(page).locator(".prose")), /^Ma Liang was a poor boy .* never a coin for the rich\.$/);
});

test("an answer of another house tells what it cost, or that no price is known", async ({ page }) => {
  await send(page, "priced");
  await page.locator(".answer-line").getByText("$0.0019", { exact: true }).waitFor();
  await send(page, "priceless");
  await ended(page, 2);
  await page.locator(".answer-line").last().click();
  await page.getByRole("complementary", { name: "Details" }).getByText("no price known").waitFor();
  await send(page, "anything");
  await ended(page, 3);
  await page.locator(".answer-line").last().click();
  await page.getByRole("complementary", { name: "Details" }).getByText("Time to first token").waitFor();
  await page.getByRole("complementary", { name: "Details" }).getByText("Cost", { exact: true }).waitFor({ state: "detached" });
});

test("a question that has to wait tells how many come first", async ({ page, address }) => {
  await send(page, "queue");
  for (const place of ["In line, 2 before this one", "In line, 1 before this one", "Next in line"]) {
    await page.getByRole("status").getByText(place).waitFor();
    await fetch(`${address}/mock/turn`, { method: "POST" });
  }
  await growing(page);
  await page.locator(".waiting").waitFor({ state: "detached" });
  await stop(page);
});

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
});

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
});

test("a question that the server refuses comes back into the composer", async ({ page }) => {
  await send(page, "refuse this");
  await page.locator(".toast.fault").getByText("the prompt is longer than the context").waitFor();
  await becomes(() => composer(page).inputValue(), "refuse this");
  assert.equal(new URL(page.url()).hash, "#/chat");
  await page.locator(".list .item", { hasText: "refuse this" }).waitFor({ state: "detached" });
});
