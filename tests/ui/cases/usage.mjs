// The usage room: sums, the chart, what it is split by, saving, both languages, a phone, a key that may not look.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { becomes, control, enter, textOf } from "../reader.mjs";
import { test } from "../registry.mjs";

const figureOf = (page, name) => page.locator(".usage-figure").filter({ has: page.getByText(name, { exact: true }) }).locator("b");
const bars = (page) => page.locator(".usage-chart g");

test("usage shows the sums of the last 30 days, a bar a day and the latest calls", async ({ page }) => {
  await enter(page, "usage");
  // 1 + 2 + ... + 30 = 465 calls of each of two models; 465 * 1.9 thousandths of a dollar; 930 * 1,100 tokens
  await figureOf(page, "Calls").getByText("930", { exact: true }).waitFor();
  await becomes(() => textOf(figureOf(page, "Cost")), "$0.884");
  await becomes(() => textOf(figureOf(page, "Tokens in")), "930K");
  await becomes(() => bars(page).count(), 30);
  await becomes(() => textOf(page.locator(".usage-chart title").last()), /: 66K$/); // 30 * 2 * 1,100
  const calls = page.getByRole("region", { name: "Latest calls" });
  await becomes(() => calls.locator("tbody tr td:nth-child(6)").allTextContents(), ["$0", "$0.0019", "$0", "unknown"]);
  await becomes(() => calls.locator("tbody tr td:last-child").allTextContents(), ["given again", "settled", "failed", "estimated"]);
}, { on: "mock" });

test("usage is split by key or house, and shown as cost, tokens or calls, over other days", async ({ page }) => {
  await enter(page, "usage");
  await page.getByLabel("By", { exact: true }).selectOption("key");
  await page.getByRole("region", { name: "Key" }).getByRole("cell", { name: "ci", exact: true }).waitFor();
  await page.getByRole("cell", { name: "without a key" }).waitFor();
  await page.getByLabel("Show", { exact: true }).selectOption("calls");
  await page.getByRole("img", { name: "Calls by day" }).waitFor();
  await page.getByLabel("Days", { exact: true }).selectOption("7");
  await page.waitForFunction(() => document.querySelectorAll(".usage-chart g").length === 7);
  await figureOf(page, "Calls").getByText("56", { exact: true }).waitFor(); // 2 * (1 + ... + 7)
}, { on: "mock" });

test("usage is saved as CSV as the server writes it", async ({ page }) => {
  await enter(page, "usage");
  const waiting = page.waitForEvent("download");
  await control(page, "Save as CSV").click();
  const text = readFileSync(await (await waiting).path(), "utf8");
  assert.match(text, /^day,model,calls\r\n/);
  assert.equal(text.trim().split("\r\n").length, 61);
}, { on: "mock" });

test("usage is told in Chinese, and on a phone nothing is wider than the screen", async ({ open }) => {
  const { page } = await open({ locale: "zh-CN", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await enter(page, "usage");
  await page.getByRole("heading", { name: "用量" }).waitFor();
  await page.getByText("最近的调用").waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
}, { on: "mock" });

test("a key that may not see the usage is told so", async ({ page }) => {
  await page.route("**/page/usage?*", (route) =>
    route.fulfill({ status: 403, contentType: "application/json", body: JSON.stringify({ error: { message: "forbidden", type: "x", code: null } }) }),
  );
  await enter(page, "usage");
  await page.getByText("This key may not see what others use.").waitFor();
});
