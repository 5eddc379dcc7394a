// The compare room: columns beside each other, own stop and retry, differences, a judge, going on with one answer.
import assert from "node:assert/strict";
import { answers, control, ended, endless, enter, textOf } from "../reader.mjs";
import { test } from "../registry.mjs";

const column = (page, model) => page.locator("article.compare-column").filter({ has: page.getByRole("heading", { name: model, exact: true }) });
const field = (page) => page.getByRole("textbox", { name: "Question" });
const over = (page) => page.waitForFunction(() => document.querySelector("article.compare-column") && !document.querySelector('article.compare-column[aria-busy="true"]'));
const quiet = (page, model) => column(page, model).and(page.locator('[aria-busy="false"]')).waitFor();

async function ask(page, question, models) {
  await page.evaluate((names) => localStorage.setItem("shenbi.compare-models", JSON.stringify(names)), models);
  await page.reload();
  await enter(page, "compare");
  await field(page).fill(question);
  await field(page).press("Enter");
}

const two = ["llama3.2:1b", "qwen3:4b"];

test("two models answer side by side, each with its own figures", async ({ page }) => {
  await ask(page, "Who was Ma Liang?", two);
  await over(page);
  for (const model of two) assert.match(await textOf(column(page, model).locator(".prose")), /^Ma Liang was a poor boy/);
  assert.match(await textOf(column(page, two[0]).locator(".compare-figures")), /^12 \+ \d+ tokens · first after 250 ms · 20 tokens\/s · 1\.5 s · free$/);
  assert.match(await textOf(column(page, two[1]).locator(".compare-figures")), /\$0\.0015$/);
});

test("one column is stopped and asked again while the other goes on", async ({ page }) => {
  await ask(page, "slow talk", two);
  for (const model of two) await column(page, model).locator(".prose").getByText("Ma Liang").first().waitFor();
  await control(page, `Stop ${two[0]}`).click();
  await column(page, two[0]).getByText("Stopped.").waitFor();
  assert.equal(await column(page, two[1]).getAttribute("aria-busy"), "true");
  await control(page, `Ask ${two[0]} again`).click();
  await control(page, `Stop ${two[0]}`).waitFor();
  await column(page, two[0]).locator(".prose").getByText("Ma Liang").first().waitFor();
  await control(page, "Stop all").click();
  await over(page);
});

test("a column that fails says why and harms no other, and can be asked again when all have ended", async ({ page }) => {
  await ask(page, "fail", two);
  await over(page);
  await column(page, two[1]).getByRole("alert").getByText("the model ran out of memory").waitFor();
  assert.match(await textOf(column(page, two[0]).locator(".prose")), /^Ma Liang/);
  await control(page, `Ask ${two[1]} again`).click();
  await quiet(page, two[1]);
  assert.match(await textOf(column(page, two[1]).locator(".prose")), /^Ma Liang/); // alone it is the first column
});

test("differences are shown by words, and in Chinese by characters", async ({ page }) => {
  await ask(page, "differ", two);
  await over(page);
  const diff = page.getByRole("region", { name: "Differences" });
  await diff.locator("ins").first().waitFor();
  assert.ok((await diff.locator("del").allTextContents()).includes("白"));
  assert.ok((await diff.locator("ins").allTextContents()).includes("红"));
  assert.match(await textOf(diff.locator(".compare-diff")), /The brush of .* draws .*马 and rests\.$/);
  await diff.getByLabel("Compare", { exact: true }).selectOption({ label: two[1] });
  await diff.getByText("The two answers are the same.").waitFor();
});

test("a judge sums up, and a judge of its own answer is marked", async ({ page }) => {
  await ask(page, "differ", two);
  await over(page);
  const summary = page.getByRole("region", { name: "Where they agree" });
  await summary.getByLabel("Judge").selectOption(two[0]);
  await control(summary, "Sum up").click();
  await summary.locator(".prose strong").getByText("brush").waitFor();
  await summary.getByText(`${two[0]} judges an answer of its own, too.`).waitFor();
});

test("going on with one answer opens a conversation that keeps the others as versions", async ({ page }) => {
  await ask(page, "differ", two);
  await over(page);
  await control(page, `Go on with this one: ${two[0]}`).click();
  await ended(page);
  assert.match(await textOf(answers(page).first().locator(".prose")), /白马/);
  await page.getByText("1/2", { exact: true }).waitFor();
});

test("a refusal of the whole is told in every column", async ({ page }) => {
  await ask(page, "refuse", two);
  await over(page);
  for (const model of two) await column(page, model).getByRole("alert").getByText("8 comparisons are running already").waitFor();
});

test("the compare room in Chinese on a phone: nothing is wider than the screen", async ({ open }) => {
  const { page } = await open({ locale: "zh-CN", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await enter(page, "compare");
  await page.getByRole("textbox", { name: "问题" }).fill("table");
  await page.getByRole("button", { name: "全部询问" }).click();
  await over(page);
  await page.getByRole("region", { name: "共同之处" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
});

test("models of the program answer, one is stopped, and the other's answer is gone on with", async ({ page }) => {
  const [model] = await page.evaluate(async () => (await (await fetch("/page/config")).json()).models.map((one) => one.id));
  await ask(page, endless("compare"), [model]);
  await page.waitForFunction(() => document.querySelector(".compare-column .prose")?.textContent.length > 3);
  await control(page, `Stop ${model}`).click();
  await column(page, model).getByText("Stopped.").waitFor();
  await control(page, `Go on with this one: ${model}`).click();
  await ended(page);
  assert.ok((await textOf(answers(page).first().locator(".prose"))).length > 3);
}, { on: "real" });
