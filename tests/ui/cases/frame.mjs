// The frame around the rooms: palette, language, theme, phone, models, a server that is away or wants a key.
import assert from "node:assert/strict";
import { becomes, clipboard, composer, control, endless, enter, growing, rowOf, send, stop, talk, textOf } from "../reader.mjs";
import { test } from "../registry.mjs";

const both = { on: "both" };

test("Ctrl+K runs actions by a few letters, Ctrl+/ shows the shortcuts, Escape closes the top layer", async ({ page }) => {
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("dark");
  await page.keyboard.press("Enter");
  await page.locator('html[data-theme="dark"]').waitFor();
  await page.keyboard.press("Control+/");
  await page.getByRole("dialog").getByText("Keyboard shortcuts").waitFor();
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog[open]"));
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("models");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Models", exact: true }).waitFor();
});

test("a dialog closed and another opened in one breath: the late word of the first does not close the second", async ({ page }) => {
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").waitFor();
  await page.evaluate(() => {
    const first = document.querySelector("dialog");
    const told = new Promise((resolve) => first.addEventListener("close", resolve));
    first.close(); // as Escape does; the browser tells of it in a task of its own
    dispatchEvent(new KeyboardEvent("keydown", { key: "/", ctrlKey: true, cancelable: true }));
    return told;
  });
  await page.getByRole("dialog").getByText("Keyboard shortcuts").waitFor();
});

test("the language changes without a reload and starts from the browser's", async ({ open, page }) => {
  await page.evaluate(() => (window.sameDocument = true));
  await enter(page, "settings");
  await page.getByRole("radio", { name: "中文" }).check();
  await page.getByRole("heading", { name: "设置" }).waitFor();
  await page.locator('html[lang="zh-CN"]').waitFor();
  assert.equal(await page.evaluate(() => window.sameDocument), true);
  const other = await open({ locale: "zh-CN" });
  await other.page.getByPlaceholder("输入消息").waitFor();
});

test("dark follows the system until a theme is chosen", async ({ open }) => {
  const { page } = await open({ colorScheme: "dark" });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await becomes(ground, "rgb(22, 24, 27)");
  await enter(page, "settings");
  await page.getByRole("radio", { name: "Light" }).check();
  await becomes(ground, "rgb(251, 250, 247)");
});

test("on a phone the rail is a bar at the foot, lists slide over, and nothing is wider than the screen", async ({ open, unique }) => {
  const { page } = await open({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await send(page, `${endless(`phone ${unique}`)}, a table`);
  await growing(page);
  await stop(page);
  const rail = await page.locator(".rail").boundingBox();
  assert.ok(rail.y > 780 && rail.width === 390);
  await page.getByRole("button", { name: "Show or hide conversations" }).tap();
  await page.locator(".list .item[aria-current]").tap();
  await page.locator(".list-over").waitFor({ state: "detached" });
  // Touches made in the page: the browser's own would become a long press where a busy machine rests between two of them.
  const swipe = (from, to) =>
    page.evaluate(([from, to]) => {
      const target = document.elementFromPoint(from, 400);
      const touch = (clientX) => new Touch({ identifier: 1, target, clientX, clientY: 400 });
      target.dispatchEvent(new TouchEvent("touchstart", { bubbles: true, touches: [touch(from)], changedTouches: [touch(from)] }));
      target.dispatchEvent(new TouchEvent("touchend", { bubbles: true, touches: [], changedTouches: [touch(to)] }));
    }, [from, to]);
  await swipe(40, 240);
  await page.locator(".list-over").waitFor();
  await swipe(300, 60);
  await page.locator(".list-over").waitFor({ state: "detached" });
  for (const room of ["chat", "models", "settings"]) {
    await enter(page, room);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  }
}, both);

test("models are listed with size, context and quantisation, and a base model says that it is one", async ({ page }) => {
  await page.locator(".base-note", { hasText: "is a base model" }).waitFor();
  await enter(page, "models");
  const row = page.locator("tbody tr").first();
  await row.waitFor();
  await becomes(() => textOf(row), /Base.*\d+.*(KB|MB|GB)/);
}, both);

test("a server that is away is told of, and the page comes back with it", async ({ page, context, unique }) => {
  await talk(page, `away ${unique}`);
  await context.route("**/page/**", (route) => route.abort());
  await page.reload();
  await page.getByRole("alert").getByText("The server cannot be reached").waitFor();
  await context.unroute("**/page/**");
  await page.getByRole("alert").waitFor({ state: "detached" });
  await page.locator("article.question .bubble", { hasText: `away ${unique}` }).waitFor();
  await rowOf(page, `away ${unique}`).waitFor();
}, both);

test("a server that wants a key is asked with it", async ({ page, context }) => {
  await context.route("**/page/**", (route) => {
    const known = route.request().headers().authorization === "Bearer sesame";
    if (known) return route.continue();
    if (route.request().url().endsWith("/config")) return route.fulfill({ json: { version: "1", needs_key: true, models: [] } });
    return route.fulfill({ status: 401, json: { error: { message: "a key is needed", type: "authentication_error", code: null } } });
  });
  await page.reload();
  await page.getByRole("dialog", { name: "Key needed" }).waitFor();
  await page.getByLabel("Key", { exact: true }).fill("sesame");
  await control(page, "Use key").click();
  await page.locator(".base-note, .model-name:not(:empty)").first().waitFor();
  await talk(page, "with a key");
});

test("a prompt is saved, found with /, filled in, sent, changed and deleted", async ({ page, unique }) => {
  await enter(page, "prompts");
  await control(page, "New prompt").first().click();
  await page.getByLabel("Name").fill(`Translate ${unique}`);
  await page.getByLabel("Text").fill("slow: put {{text}} into Chinese");
  await control(page, "Save").click();
  await page.locator(".prompt-name", { hasText: `Translate ${unique}` }).waitFor();
  await enter(page, "chat");
  await composer(page).press("/");
  await page.getByRole("combobox").fill(unique);
  await page.locator(".palette-row").waitFor();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.matches(".composer textarea"));
  await page.keyboard.type("ink"); // over the blank, which is selected
  await becomes(() => composer(page).inputValue(), "slow: put ink into Chinese");
  await composer(page).fill("");
  await composer(page).press("/");
  await page.getByRole("combobox").press("Escape");
  await page.waitForFunction(() => document.querySelector(".composer textarea").value === "/");
  await enter(page, "prompts");
  const card = page.locator("article.prompt", { hasText: `Translate ${unique}` });
  await control(card, "Edit").click();
  await page.getByLabel("Name").fill(`Verse ${unique}`);
  await control(page, "Save").click();
  const changed = page.locator("article.prompt", { hasText: `Verse ${unique}` });
  await control(changed, "Delete").click();
  await changed.waitFor({ state: "detached" });
  await control(page, "Undo").click();
  await changed.waitFor();
}, both);

test("a key is made, shown once, and revoked", async ({ page, unique }) => {
  await enter(page, "settings");
  await page.getByLabel("Name of the key").fill(`ci ${unique}`);
  await control(page, "Create key").click();
  await page.locator(".key-text", { hasText: /^sk-shenbi-/ }).waitFor();
  await control(page, "Copy key").click();
  await becomes(() => clipboard(page), /^sk-shenbi-/);
  await enter(page, "chat");
  await enter(page, "settings");
  const row = page.locator(".access .setting", { hasText: `ci ${unique}` });
  await control(row, "Revoke").click();
  await control(row, "Revoke for good").click();
  await row.getByText("Revoked").waitFor();
  await page.locator(".key-text").waitFor({ state: "detached" });
});
