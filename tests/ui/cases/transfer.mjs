// Conversations on their way out and in: our own files, ChatGPT's and Open WebUI's.
import assert from "node:assert/strict";
import { becomes, control, ended, enter, questions, rowOf, talk, textOf } from "../reader.mjs";
import { test } from "../registry.mjs";
import { readFileSync } from "node:fs";

const both = { on: "both" };
const onReal = { on: "real" }; // reading foreign files is the server's work

async function importJson(page, value) {
  const buffer = Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  await page.locator('input[type="file"]').setInputFiles({ name: "export.json", mimeType: "application/json", buffer });
}

async function show(page, title) {
  await enter(page, "chat");
  await rowOf(page, title).first().locator(".item").click();
  await page.locator(".head .title", { hasText: title }).waitFor();
  await ended(page);
}

test("everything is exported, and an export is imported again", async ({ page, unique }) => {
  await talk(page, `export ${unique}`);
  await enter(page, "settings");
  const download = page.waitForEvent("download");
  await control(page, "Export").click();
  const text = readFileSync(await (await download).path(), "utf8");
  const { shenbi, conversations } = JSON.parse(text);
  assert.equal(shenbi, 1);
  const mine = conversations.find((one) => one.title.includes(`export ${unique}`));
  assert.equal(mine.messages.length, 2);
  await importJson(page, text);
  await page.getByText(/Imported \d+ conversations?/).waitFor();
  await enter(page, "chat");
  await rowOf(page, `export ${unique}`).nth(1).waitFor();
  await enter(page, "settings");
  await importJson(page, "{}");
  await page.locator(".toast.fault").waitFor();
}, both);

test("ChatGPT's conversations.json comes in with its branches", async ({ page, unique }) => {
  const message = (role, ...parts) => ({ author: { role }, content: { content_type: "text", parts } });
  await enter(page, "settings");
  await importJson(page, [{
    title: `From ChatGPT ${unique}`, create_time: 1.7e9, current_node: "c",
    mapping: {
      root: { id: "root", message: null, parent: null, children: ["a"] },
      a: { id: "a", message: message("user", "What is **ink**?"), parent: "root", children: ["b", "c"] },
      b: { id: "b", message: message("assistant", "A dark liquid."), parent: "a", children: [] },
      c: { id: "c", message: message("assistant", "Soot, water and **glue**."), parent: "a", children: [] },
    },
  }]); // prettier-ignore
  await page.getByText("Imported 1 conversations, 3 messages").waitFor();
  await show(page, `From ChatGPT ${unique}`);
  await becomes(() => textOf(questions(page).first().locator(".bubble")), "What is **ink**?");
  await page.locator(".answer strong", { hasText: "glue" }).waitFor();
  await control(page, "Previous version").click();
  await page.getByText("A dark liquid.").waitFor();
}, onReal);

test("Open WebUI's export comes in with its models", async ({ page, unique }) => {
  await enter(page, "settings");
  await importJson(page, [{
    id: "1", title: `From Open WebUI ${unique}`, created_at: 1.7e9,
    chat: {
      title: `From Open WebUI ${unique}`,
      history: {
        currentId: "y",
        messages: {
          x: { id: "x", parentId: null, childrenIds: ["y"], role: "user", content: "马良是谁？" },
          y: { id: "y", parentId: "x", childrenIds: [], role: "assistant", content: "一个会画画的孩子。", model: "llama3.2:1b" },
        },
      },
    },
  }]); // prettier-ignore
  await page.getByText("Imported 1 conversations, 2 messages").waitFor();
  await show(page, `From Open WebUI ${unique}`);
  await page.getByText("一个会画画的孩子。").waitFor();
  await page.locator(".answer-model", { hasText: "llama3.2:1b" }).waitFor();
}, onReal);
