// What a reader does with the page, as the tests say it. Nothing here waits for a time: each step waits for what it needs.
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { patienceMs } from "./browser.mjs";

export const composer = (page) => page.locator(".composer textarea");
export const questions = (page) => page.locator("article.question");
export const answers = (page) => page.locator("article.answer");
export const lastAnswer = (page) => answers(page).last();
export const control = (scope, name) => scope.getByRole("button", { name, exact: true });
export const textOf = async (locator) => (await locator.textContent()).trim();
export const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());

/** Waits until `read` gives what is expected, a value or the pattern of a text: the page may show a thing a moment after its neighbour. */
export async function becomes(read, expected) {
  const pattern = expected instanceof RegExp;
  for (const end = performance.now() + patienceMs; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const now = await read();
    if (pattern ? expected.test(now) : isDeepStrictEqual(now, expected)) return;
    if (performance.now() > end) (pattern ? assert.match : assert.deepEqual)(now, expected);
  }
}

/**
 * A question whose answer runs until it is stopped: the mock's model goes by the word "slow", and a real one that
 * is shown so much of one word begins with it and, rewarded for each repetition (see newPage), says nothing else any more.
 */
export const endless = (words) => `slow ${words}: ${"la ".repeat(24).trim()}`;

export async function send(page, text) {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

/** Waits until `count` answers are shown, none is running, and none is still plain text for want of the Markdown painter. */
export const ended = (page, count = 1) =>
  page.waitForFunction(
    (n) => document.querySelectorAll("article.answer").length >= n && !document.querySelector('article.answer[aria-busy="true"], .prose.plain'),
    count,
  );

/** Waits until a running answer has text. */
export const growing = (page) =>
  page.waitForFunction(() => document.querySelector('article.answer[aria-busy="true"] .prose')?.textContent.length > 3);

export async function stop(page) {
  await control(page, "Stop").click();
  await ended(page);
}

/** An endless question, its answer begun and stopped. */
export async function talk(page, words) {
  await send(page, endless(words));
  await growing(page);
  await stop(page);
  await rowOf(page, words).first().waitFor();
}

export async function chooseFromMenu(page, button, item) {
  await button.click();
  await page.locator(".popover:popover-open .menu-item", { hasText: item }).first().click();
}

export const rowOf = (page, title) => page.locator(".list .row", { hasText: title });

export async function menuOf(page, title, item) {
  await rowOf(page, title).first().hover();
  await chooseFromMenu(page, rowOf(page, title).first().locator(".tool"), item);
}

/** Enters a room by its address, and waits until the page shows it. */
export async function enter(page, room) {
  await page.evaluate((name) => (location.hash = `#/${name}`), room);
  await page.locator(`.door[aria-current][href="#/${room}"]`).first().waitFor({ state: "attached" }); // on a phone it may stand behind "more"
}

export async function reload(page) {
  await page.reload();
  await composer(page).waitFor();
}
