// The list of conversations: titles, folders, search.
import assert from "node:assert/strict";
import { endless, growing, menuOf, chooseFromMenu, control, questions, reload, rowOf, send, stop, talk } from "../reader.mjs";
import { test } from "../registry.mjs";
import { readFileSync } from "node:fs";

const both = { on: "both" };

test("a conversation is titled by its first words, renamed, pinned, put in a folder, deleted and brought back", async ({ page, unique }) => {
  await talk(page, `brush ${unique}`);
  await rowOf(page, `brush ${unique}`).waitFor();
  await menuOf(page, `brush ${unique}`, "Rename");
  await page.locator("input.rename").fill(`Ink ${unique}`);
  await page.locator("input.rename").press("Enter");
  await page.locator(".head .title", { hasText: `Ink ${unique}` }).waitFor();
  await menuOf(page, `Ink ${unique}`, "Pin");
  await page.locator("section", { hasText: "Pinned" }).locator(".item", { hasText: `Ink ${unique}` }).waitFor();
  await menuOf(page, `Ink ${unique}`, "Unpin");
  await page.getByRole("button", { name: "New folder" }).click();
  await page.locator("input.rename").fill(`Box ${unique}`);
  await page.locator("input.rename").press("Enter");
  await rowOf(page, `Box ${unique}`).waitFor();
  await menuOf(page, `Ink ${unique}`, `Move to Box ${unique}`);
  await rowOf(page, `Box ${unique}`).locator(".count", { hasText: "1" }).waitFor();
  await rowOf(page, `Box ${unique}`).locator(".folder").click();
  await menuOf(page, `Ink ${unique}`, "Delete");
  await rowOf(page, `Ink ${unique}`).waitFor({ state: "detached" });
  await control(page, "Undo").click();
  await rowOf(page, `Ink ${unique}`).waitFor();
}, both);

test("a search finds text in messages, of any length, and marks it; typing goes on while it looks", async ({ page, unique }) => {
  await talk(page, `needle${unique} in the hay 凤`);
  const field = page.getByLabel("Search", { exact: true });
  await field.pressSequentially(`needle${unique}`); // one key after the other: the field keeps the focus meanwhile
  assert.equal(await field.inputValue(), `needle${unique}`);
  const found = page.locator(".item.found");
  await found.locator("mark", { hasText: `needle${unique}` }).first().waitFor();
  await field.fill("凤");
  await found.locator("mark", { hasText: /^凤$/ }).first().waitFor();
  await found.first().click();
  await questions(page).first().waitFor();
}, both);

test("one conversation is saved as Markdown", async ({ page, unique }) => {
  await talk(page, `markdown ${unique}`);
  const download = page.waitForEvent("download");
  await menuOf(page, `markdown ${unique}`, "Export as Markdown");
  const saved = await download;
  assert.match(saved.suggestedFilename(), /^slow markdown .*\.md$/);
  assert.ok(readFileSync(await saved.path(), "utf8").includes(`markdown ${unique}`));
}, both);

test("a question sent in the same moment as New chat begins a new conversation", async ({ page, unique }) => {
  await talk(page, `old ${unique}`);
  await page.evaluate((text) => {
    document.querySelector(".list-head button.framed").click();
    const field = document.querySelector(".composer textarea");
    field.value = text;
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  }, endless(`new ${unique}`));
  await growing(page);
  assert.equal(await questions(page).count(), 1);
  await stop(page);
  await rowOf(page, `new ${unique}`).waitFor();
}, both);

test("a question sent before its conversation has come goes below the last answer", async ({ page, context, unique }) => {
  await talk(page, `early ${unique}`);
  let letThrough;
  const asked = new Promise((resolve) => (letThrough = resolve));
  await context.route(/\/page\/conversations\/[^/?]+$/, async (route) => (await asked, route.continue()));
  await reload(page);
  await send(page, endless(`later ${unique}`));
  letThrough();
  await growing(page);
  assert.equal(await questions(page).count(), 2);
  await stop(page);
  await context.unrouteAll({ behavior: "wait" });
}, both);

