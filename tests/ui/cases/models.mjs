// The room of models: fetched, stopped, removed; accounts at other houses.
import assert from "node:assert/strict";
import { control, enter, textOf } from "../reader.mjs";
import { test } from "../registry.mjs";

const row = (page, model) => page.locator(".models tbody tr").filter({ has: page.getByText(model, { exact: true }) });
const fetching = (page) => page.getByRole("region", { name: "Getting models" });
const account = (page, name) => page.locator(".house-line").filter({ has: page.getByText(name, { exact: true }) });
const closed = (page) => page.waitForFunction(() => !document.querySelector("dialog[open]"));

async function get(page, model) {
  await control(page, "Get a model").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Another model of the Ollama registry").fill(model);
  await control(dialog, "Get").last().click();
  await closed(page);
}

test("a model that is offered is fetched, chosen for a chat and removed again", async ({ page }) => {
  await enter(page, "models");
  await control(page, "Get a model").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Gemma 3 270M").waitFor();
  assert.equal(await control(dialog, "Get gemma3:270m").count(), 0); // it is here
  await control(dialog, "Get qwen3:0.6b").click();
  await fetching(page).getByText("qwen3:0.6b is here.").waitFor();
  await control(row(page, "qwen3:0.6b"), "Remove qwen3:0.6b").click();
  await control(row(page, "qwen3:0.6b"), "Remove for good").click();
  await row(page, "qwen3:0.6b").waitFor({ state: "detached" });
  await control(page, "Take qwen3:0.6b off this list").click();
  await fetching(page).waitFor({ state: "detached" });
});

test("a fetch shows how far it is, goes on in other rooms and is stopped", async ({ page }) => {
  await enter(page, "models");
  await get(page, "slow:1b");
  await fetching(page).getByText("slow-1b.gguf: 320 MB of 639 MB").waitFor();
  assert.equal(await fetching(page).getByRole("progressbar").getAttribute("value"), "50");
  await enter(page, "settings");
  await enter(page, "models");
  await control(page, "Stop getting slow:1b").click();
  await fetching(page).getByText("Stopped.").waitFor();
  await control(page, "Get slow:1b again").click();
  await control(page, "Stop getting slow:1b").click();
  await fetching(page).getByText("Stopped.").waitFor();
});

test("a model that the registry has not is told", async ({ page }) => {
  await enter(page, "models");
  await get(page, "absent:1b");
  await fetching(page).getByRole("alert").getByText("the registry has no model 'absent:1b'").waitFor();
});

test("a house whose keys have parts asks for each of them and for its settings", async ({ page, unique }) => {
  const name = `spark-${unique}`;
  await enter(page, "models");
  await control(page, "Add an account").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("House").selectOption("spark_ws");
  assert.equal(await dialog.getByLabel("Key", { exact: true }).count(), 0);
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("APIKey", { exact: true }).fill("0123456789abcdef");
  await dialog.getByLabel("APISecret", { exact: true }).fill("fedcba9876543210");
  assert.ok(await control(dialog, "Save").isDisabled()); // the application is missing
  await dialog.getByLabel("APPID", { exact: true }).fill("a1b2c3");
  await control(dialog, "Save").click();
  await closed(page);
  await account(page, name).getByText("012****3210", { exact: false }).waitFor();
  await control(page, `Edit account ${name}`).click();
  assert.equal(await dialog.getByLabel("APPID", { exact: true }).inputValue(), "a1b2c3");
  assert.equal(await dialog.getByLabel("APISecret", { exact: true }).inputValue(), "");
  await control(dialog, "Save").click();
  await closed(page);
  await account(page, name).getByText("012****3210", { exact: false }).waitFor();
  await control(page, `Remove account ${name}`).click();
  await control(account(page, name), "Remove for good").click();
});

test("an account at another house is added, its models are there, it is changed without its key and removed", async ({ page, unique }) => {
  const name = `office-${unique}`;
  await enter(page, "models");
  await control(page, "Add an account").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill(name);
  assert.ok(await control(dialog, "Save").isDisabled());
  await dialog.getByLabel("Key", { exact: true }).fill("sk-0123456789abcdef");
  await dialog.getByLabel("Models").fill("deepseek-chat, deepseek-reasoner");
  await control(dialog, "Save").click();
  await closed(page);
  await account(page, name).getByText("DeepSeek · sk-****cdef · 2 models", { exact: true }).waitFor();
  await row(page, `${name}/deepseek-chat`).waitFor();
  assert.equal(await control(row(page, `${name}/deepseek-chat`), `Remove ${name}/deepseek-chat`).count(), 0); // it is not on this disk
  await control(page, `Edit account ${name}`).click();
  assert.equal(await dialog.getByLabel("Key", { exact: true }).inputValue(), "");
  await dialog.getByLabel("Ask this account").uncheck();
  await control(dialog, "Save").click();
  await closed(page);
  await account(page, name).getByText("DeepSeek · sk-****cdef · 2 models · off", { exact: true }).waitFor();
  await control(page, `Remove account ${name}`).click();
  await control(account(page, name), "Remove for good").click();
  await account(page, name).waitFor({ state: "detached" });
});

test("a house that has no address of its own wants one, and its settings", async ({ page }) => {
  await enter(page, "models");
  await control(page, "Add an account").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("House").selectOption("azure");
  await dialog.getByText("The key stands in the server's environment as AZURE_OPENAI_API_KEY").click();
  assert.equal(await dialog.getByLabel("Key", { exact: true }).count(), 0);
  assert.ok(await control(dialog, "Save").isDisabled());
  await dialog.getByLabel("API version").fill("2024-10-21");
  await dialog.getByLabel("Address").fill("https://ours.openai.azure.com");
  await dialog.getByText("An address of this machine").waitFor();
  await dialog.getByLabel("Key", { exact: true }).fill("k-0123456789"); // with an address of one's own no variable can be named
  assert.ok(await control(dialog, "Save").isEnabled());
});

test("the models' room in Chinese on a phone: nothing is wider than the screen", async ({ open }) => {
  const { page } = await open({ locale: "zh-CN", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await enter(page, "models");
  await page.getByRole("button", { name: "获取模型" }).click();
  await page.getByRole("dialog").getByText("Gemma 3 270M").waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await page.keyboard.press("Escape");
  await closed(page);
  await page.getByRole("button", { name: "添加账号" }).click();
  assert.match(await textOf(page.getByRole("dialog").getByLabel("平台").locator("option").first()), /^深度求索$/);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
});

test("an account is kept by the program with its key masked, and a model that is not there cannot be fetched", async ({ page, unique }) => {
  const name = `kept-${unique}`;
  await enter(page, "models");
  await row(page, "gemma3:270m").waitFor();
  await control(page, "Add an account").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("House").selectOption("deepseek");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Key", { exact: true }).fill("sk-0123456789abcdef");
  await dialog.getByLabel("Models").fill("deepseek-chat");
  await control(dialog, "Save").click();
  await closed(page);
  await account(page, name).getByText(/DeepSeek · sk-\*\*\*\*cdef · 1 models/).waitFor();
  await row(page, `${name}/deepseek-chat`).waitFor();
  await page.reload();
  await control(page, `Edit account ${name}`).click();
  await dialog.getByLabel("Models").fill("deepseek-reasoner");
  await control(dialog, "Save").click();
  await closed(page);
  await row(page, `${name}/deepseek-reasoner`).waitFor();
  await control(page, `Remove account ${name}`).click();
  await control(account(page, name), "Remove for good").click();
  await row(page, `${name}/deepseek-reasoner`).waitFor({ state: "detached" });
  await get(page, "host.example/a:b");
  await fetching(page).getByRole("alert").getByText("names a host").waitFor();
}, { on: "real" });
