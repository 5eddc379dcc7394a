// Budgets in the usage room: set, seen, changed, taken away.
import assert from "node:assert/strict";
import { composer, control, enter, send, textOf } from "../reader.mjs";
import { test } from "../registry.mjs";

const line = (page, name) => page.locator(".budget-line").filter({ has: page.getByText(name, { exact: true }) });
const closed = (page) => page.waitForFunction(() => !document.querySelector("dialog[open]"));

async function set(page, name, amount, unit) {
  await control(page, "New budget").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Amount").fill(amount);
  await dialog.getByLabel("Of", { exact: true }).selectOption(unit);
  await control(dialog, "Save").click();
  await closed(page);
  await line(page, name).waitFor();
}

test("a budget is set, changed and taken away in the usage room", async ({ page }) => {
  await enter(page, "usage");
  await set(page, "house", "20.5", "usd");
  assert.match(await textOf(line(page, "house")), /of \$20\.50 this month/);
  await control(line(page, "house"), "Edit budget house").click();
  const dialog = page.getByRole("dialog");
  assert.equal(await dialog.getByLabel("Amount").inputValue(), "20.5");
  await dialog.getByLabel("Amount").fill("30");
  await dialog.getByLabel("In", { exact: true }).selectOption("day");
  await control(dialog, "Save").click();
  await closed(page);
  await line(page, "house").getByText(/of \$30\.00 today/).waitFor();
  await control(line(page, "house"), "Remove budget house").click();
  await line(page, "house").getByText("Remove for good").click();
  await page.waitForFunction(() => !document.querySelector(".budget-line"));
});

test("a budget shows what is spent and reserved, and what was told", async ({ page }) => {
  await enter(page, "usage");
  await set(page, "tokens-of-all", "1000000", "tokens");
  const one = line(page, "tokens-of-all");
  assert.match(await textOf(one), /500K of 1M this month/);
  assert.match(await textOf(one), /everybody · 100K reserved · begins anew .* · 3 calls refused/);
  assert.equal(await one.getByRole("meter").getAttribute("aria-valuenow"), "50");
  await page.getByText(/tokens-of-all reached 50 % of 1M on .* The webhook has not taken it yet\./).waitFor();
}, { on: "mock" });

test("a budget of a team is set with its keys, in Chinese on a phone", async ({ open }) => {
  const { page } = await open({ locale: "zh-CN", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await enter(page, "settings");
  await page.getByLabel("密钥名称").fill("甲");
  await control(page, "创建密钥").click();
  await page.locator(".key-text").waitFor();
  await enter(page, "usage");
  await control(page, "新建预算").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("名称").fill("red");
  await dialog.getByLabel("归属").selectOption("team");
  await dialog.getByLabel("团队", { exact: true }).fill("red");
  await dialog.getByLabel("额度").fill("5");
  await dialog.getByLabel("甲").check();
  await control(dialog, "保存").click();
  await closed(page);
  await line(page, "red").getByText(/团队 red/).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
}, { on: "mock" });

test("the program keeps a budget: what does not fit is refused in the chat, in words", async ({ page, address }) => {
  await enter(page, "usage");
  await set(page, "tight", "1", "tokens");
  try {
    await enter(page, "chat");
    await composer(page).waitFor();
    await send(page, "Who was Ma Liang?");
    await page.getByText(/tight/).first().waitFor();
    await enter(page, "usage");
    await line(page, "tight").getByText(/1 calls? refused/).waitFor();
  } finally {
    await fetch(`${address}/page/budgets/tight`, { method: "DELETE" });
  }
}, { on: "real" });
