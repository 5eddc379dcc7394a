// The catalog room: the kinds, the picture, the table with its filters and orders, a model's details.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { control, enter, textOf } from "../reader.mjs";
import { test } from "../registry.mjs";

const { models } = JSON.parse(readFileSync(new URL("../../../data/catalog.json", import.meta.url), "utf8"));
const rows = (page) => page.locator(".catalog-table tbody tr");
const names = (page) => page.locator(".catalog-table tbody td:first-child").allTextContents();
const awaitRows = (page, n) => page.waitForFunction((n) => document.querySelectorAll(".catalog-table tbody tr").length === n, n);
const inCatalog = async (page) => {
  await enter(page, "catalog");
  await rows(page).first().waitFor();
};

test("the catalog lists every model, counts what makes what, and keeps those of a kind", async ({ page }) => {
  await inCatalog(page);
  const all = await rows(page).count();
  assert.ok(all >= models.length); // and what lies on this machine
  const pictures = models.filter((one) => one.input.includes("text") && one.output.includes("image"));
  await control(page, `text to image: ${pictures.length} models`).click();
  await awaitRows(page, pictures.length);
  assert.deepEqual((await names(page)).sort(), pictures.map((one) => one.name).sort());
  await control(page, `text to image: ${pictures.length} models`).click();
  await awaitRows(page, all);
});

test("the catalog is searched, filtered and sorted, and what is unknown comes last", async ({ page }) => {
  await inCatalog(page);
  await page.getByLabel("Name or maker").fill("anthropic");
  const claude = models.filter((one) => `${one.id} ${one.name} ${one.maker}`.toLowerCase().includes("anthropic"));
  await awaitRows(page, claude.length);
  await page.getByLabel("Name or maker").fill("");
  await page.getByLabel("Weights").selectOption("weights");
  await page.getByLabel("Only what can be called").check();
  const offered = models.filter((one) => one.open === "weights" && one.prices?.length && !one.retired);
  await page.waitForFunction((n) => document.querySelectorAll(".catalog-table tbody tr").length >= n && document.querySelectorAll(".catalog-table tbody tr").length < n + 20, offered.length);
  await page.locator("th", { hasText: "Out, $/M" }).getByRole("button").click();
  const figures = async () => (await page.locator('.catalog-table td[data-name="Out, $/M"]').allTextContents()).map((text) => (text === "–" ? Infinity : Number(text.replaceAll(",", ""))));
  const up = await figures();
  assert.deepEqual(up, [...up].sort((a, b) => a - b));
  await page.locator("th", { hasText: "Out, $/M" }).getByRole("button").click();
  await page.locator('th[aria-sort="descending"]').waitFor();
  const down = (await figures()).filter(Number.isFinite);
  assert.deepEqual(down, [...down].sort((a, b) => b - a));
});

test("a model's details tell its prices with source and date, and what cannot be called names the nearest", async ({ page }) => {
  await inCatalog(page);
  await control(page.locator(".catalog-table"), "GPT-4.5 (preview)").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Withdrawn from the API by its maker").waitFor();
  await control(dialog, "GPT-4.1").click();
  await page.getByRole("dialog", { name: "Details of GPT-4.1" }).waitFor();
  const gpt = models.find((one) => one.id === "openai/gpt-4.1");
  assert.match(await textOf(dialog.locator(".catalog-price").first()), new RegExp(`${gpt.prices[0].source}.*${gpt.prices[0].date}`));
});

test("the catalog's picture opens a model and is read on a phone, in Chinese, without a wider screen", async ({ open }) => {
  const { page } = await open({ locale: "zh-CN", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await inCatalog(page);
  await page.getByRole("heading", { name: "模型目录" }).waitFor();
  await page.waitForFunction(() => document.querySelector(".catalog-scatter").viewBox.baseVal.width < 390);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  assert.ok((await page.locator(".catalog-dot").count()) > 80);
  await page.locator(".catalog-dot").first().dispatchEvent("click");
  await page.getByRole("dialog").getByRole("heading", { name: "价格" }).waitFor();
});

test("a model on this machine stands in the program's catalog and can be called", async ({ page }) => {
  await inCatalog(page);
  await page.getByLabel("Name or maker").fill("gemma3:270m");
  await awaitRows(page, 1);
  await page.getByLabel("Only what can be called").check();
  await awaitRows(page, 1);
  await rows(page).first().getByRole("button").first().click();
  await page.getByRole("dialog").getByText("gemma3:270m").first().waitFor();
}, { on: "real" });
