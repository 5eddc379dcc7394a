// The arena: two unnamed answers, a vote, then the names; a judge; the leaderboard.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { control, enter, textOf } from "../reader.mjs";
import { test } from "../registry.mjs";

const side = (page, letter) => page.getByRole("article", { name: `Answer ${letter}` });

async function fight(page, question) {
  await enter(page, "arena");
  await page.getByRole("textbox", { name: "Question" }).fill(question);
  await page.getByRole("textbox", { name: "Question" }).press("Enter");
}

test("a battle shows no name before the vote, and both with their figures after it", async ({ page }) => {
  await fight(page, "Who was Ma Liang?");
  await control(page, "A is better").waitFor();
  for (const letter of ["A", "B"]) assert.match(await textOf(side(page, letter)), /^Answer AMa Liang|^Answer BMa Liang/);
  assert.equal(await page.locator(".arena-model").count(), 0);
  await control(page, "A is better").click();
  await side(page, "A").getByText("qwen3:4b", { exact: true }).waitFor();
  await side(page, "B").getByText("llama3.2:1b", { exact: true }).waitFor();
  assert.match(await textOf(side(page, "B").locator(".arena-figures")), /^40 tokens · 250 ms · 20\/s · 1\.5 s · \$0\.0015$/);
  assert.equal(await control(page, "A is better").count(), 0);
});

test("a judge is asked after the vote, and one that judges itself is marked", async ({ page }) => {
  await fight(page, "Who was Ma Liang?");
  await control(page, "A tie").click();
  const judge = page.getByRole("region", { name: "Judge" });
  await judge.getByLabel("Judge").selectOption("qwen3:4b");
  await control(judge, "Ask the judge").click();
  await judge.getByText("qwen3:4b says: A is better. It judged an answer of its own: this does not count.").waitFor();
  await judge.getByLabel("Judge").selectOption("gemma3:270m");
  await control(judge, "Ask the judge").click();
  await judge.getByText("gemma3:270m changed its mind").waitFor();
});

test("a battle in which a side fails cannot be voted on, and one that is stopped neither", async ({ page }) => {
  await fight(page, "fail");
  await page.getByRole("alert").getByText("there is nothing to vote on").waitFor();
  await fight(page, "slow talk");
  await side(page, "A").locator(".prose").getByText("Ma Liang").first().waitFor();
  await control(page, "Stop").click();
  await page.getByRole("alert").getByText("there is nothing to vote on").waitFor();
  assert.equal(await control(page, "A is better").count(), 0);
});

test("the leaderboard shows ratings with intervals, by category, without the style's share, and saves the votes", async ({ page }) => {
  await page.evaluate(() => (location.hash = "#/arena/leaderboard"));
  const board = page.getByRole("region", { name: "Leaderboard" });
  await board.getByRole("cell", { name: "qwen3:4b" }).waitFor();
  assert.deepEqual(await board.locator("tbody tr td:nth-child(3)").allTextContents(), ["1,120", "1,000", "880"]);
  assert.deepEqual(await board.locator("tbody tr td:first-child").allTextContents(), ["1", "2", "2"]);
  await page.getByText("84 votes, 74 of them with a decision").waitFor();
  await page.getByLabel("Without the style's share").check();
  await board.getByText("1,080", { exact: true }).waitFor();
  await page.getByText("Length: 40 (25 … 55) points").waitFor();
  await page.getByLabel("Category").selectOption("long");
  await page.getByText("No votes yet.").waitFor();
  await page.getByRole("cell", { name: "7/10" }).waitFor();
  const waiting = page.waitForEvent("download");
  await control(page, "Save votes as CSV").click();
  assert.match(readFileSync(await (await waiting).path(), "utf8"), /^id,time,battle/);
});

test("the arena in Chinese on a phone: nothing is wider than the screen", async ({ open }) => {
  const { page } = await open({ locale: "zh-CN", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await enter(page, "arena");
  await page.getByRole("textbox", { name: "问题" }).fill("table");
  await page.getByRole("button", { name: "开始" }).click();
  await page.getByRole("button", { name: "都不好" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await page.getByRole("link", { name: "排行榜" }).click();
  await page.getByRole("cell", { name: "qwen3:4b" }).first().waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
});
