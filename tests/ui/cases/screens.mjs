// Every screen in both themes, looked over by axe: nothing serious.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { axeSource } from "../browser.mjs";
import { composer, control, ended, enter, questions, reload, send } from "../reader.mjs";
import { test } from "../registry.mjs";

const axe = readFileSync(axeSource, "utf8");

async function look(page, where) {
  await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.effect.getComputedTiming().iterations === Infinity || one.finished.catch(() => {}))));
  const violations = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.map((one) => `${one.impact} ${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
  });
  assert.deepEqual(violations.filter((one) => /^(serious|critical)/.test(one)), [], where);
}

const screens = {
  empty: async () => {},
  "code and thinking": async (page) => {
    await send(page, "code 神笔");
    await ended(page);
    await send(page, "think about it");
    await ended(page, 2);
    await page.getByRole("button", { name: /^Thought for / }).click();
  },
  "table and formulas": async (page) => {
    await send(page, "table");
    await ended(page, 3);
    await send(page, "math");
    await ended(page, 4);
    await page.waitForFunction(() => document.querySelectorAll(".prose math").length === 4);
  },
  "failure and warning": async (page) => {
    await send(page, "fail");
    await ended(page, 5);
    await send(page, "length");
    await ended(page, 6);
    await send(page, "warn");
    await ended(page, 7);
  },
  edit: async (page) => {
    await questions(page).first().hover();
    await control(questions(page).first(), "Edit").click();
    await page.locator(".editing textarea").waitFor();
  },
  details: async (page) => {
    await page.locator(".editing textarea").press("Escape");
    await page.locator(".answer-line").first().click();
    await page.getByRole("complementary", { name: "Details" }).waitFor();
  },
  sampling: async (page) => {
    await control(page, "Sampling").click();
    await page.getByRole("complementary", { name: "Sampling" }).waitFor();
  },
  "model picker": async (page) => {
    await page.locator(".model-button").click();
    await page.locator(".model-choice").first().waitFor();
  },
  search: async (page) => {
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector(":popover-open"));
    await page.getByRole("complementary", { name: "Sampling" }).waitFor(); // Escape closed the top layer and no more
    await page.getByLabel("Search", { exact: true }).fill("code");
    await page.locator(".item.found").first().waitFor();
  },
  menu: async (page) => {
    await control(page, "Clear the search").click();
    await page.locator(".list .row").first().hover();
    await page.locator(".list .row .tool").first().click();
    await page.locator(".popover:popover-open .menu-item").first().waitFor();
  },
  palette: async (page) => {
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.locator(".palette-row").first().waitFor();
  },
  shortcuts: async (page) => {
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+/");
    await page.getByRole("dialog").getByText("Keyboard shortcuts").waitFor();
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog[open]"));
  },
  prompts: async (page) => {
    await enter(page, "prompts");
    await control(page, "New prompt").first().click();
    await page.getByLabel("Name").waitFor();
  },
  models: (page) => enter(page, "models"),
  usage: async (page) => {
    await enter(page, "usage");
    await page.locator(".usage-chart").waitFor();
  },
  "budget form": async (page) => {
    await control(page, "New budget").click();
    await page.getByRole("dialog").getByLabel("Amount").waitFor();
  },
  catalog: async (page) => {
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog[open]"));
    await enter(page, "catalog");
    await page.locator(".catalog-dot").first().waitFor();
  },
  "a model of the catalog": async (page) => {
    await page.locator(".catalog-table td .text").first().click();
    await page.getByRole("dialog").getByRole("heading", { name: "Prices" }).waitFor();
  },
  compare: async (page) => {
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog[open]"));
    await enter(page, "compare");
    await page.getByRole("textbox", { name: "Question" }).fill("differ");
    await page.getByRole("textbox", { name: "Question" }).press("Enter");
    await page.locator(".compare-diff ins").first().waitFor();
    await control(page, "Sum up").click();
    await page.locator(".compare-below .prose strong").waitFor();
  },
  arena: async (page) => {
    await enter(page, "arena");
    await page.getByRole("textbox", { name: "Question" }).fill("Who was Ma Liang?");
    await page.getByRole("textbox", { name: "Question" }).press("Enter");
    await control(page, "Both are bad").click();
    await page.locator(".arena-model").first().waitFor();
  },
  leaderboard: async (page) => {
    await page.evaluate(() => (location.hash = "#/arena/leaderboard"));
    await page.locator(".arena-table circle").first().waitFor();
  },
  settings: async (page) => {
    await enter(page, "settings");
    await page.getByRole("heading", { name: "Keys", exact: true }).waitFor();
  },
};

for (const theme of ["light", "dark"]) {
  test(`axe finds nothing serious on any screen in ${theme}`, async ({ page }) => {
    await page.evaluate((name) => localStorage.setItem("shenbi.theme", JSON.stringify(name)), theme);
    await reload(page);
    await page.evaluate(axe);
    for (const [name, show] of Object.entries(screens)) {
      await show(page);
      await look(page, `${name}, ${theme}`);
    }
    await enter(page, "chat");
    await composer(page).waitFor();
  });
}
