// The OpenAI, Ollama and Vercel AI clients for JavaScript against a running server. usage: node clients.mjs BASE_URL MODEL TOOLED_MODEL
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, generateText, streamText, tool } from "ai";
import assert from "node:assert/strict";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { z } from "zod";

const [base, model, tooled] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: "What is the capital of France?" }];
const weather = z.object({ city: z.enum(["Paris", "Rome"]) });
const city = z.object({ city: z.string().max(12) });

const cases = {
  async "openai: a chat and its stream agree"() {
    const whole = await client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 16 });
    assert.match(whole.choices[0].message.content, /Paris/);
    let text = "";
    for await (const chunk of await client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 16, stream: true }))
      text += chunk.choices[0]?.delta?.content ?? "";
    assert.equal(text, whole.choices[0].message.content);
  },
  async "openai: a response and its stream agree"() {
    const whole = await client.responses.create({ model, input: messages, temperature: 0, max_output_tokens: 16 });
    const stream = client.responses.stream({ model, input: messages, temperature: 0, max_output_tokens: 16 });
    assert.equal((await stream.finalResponse()).output[0].content[0].text, whole.output_text);
  },
  async "openai: a schema is kept to"() {
    const answer = await client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 60, response_format: {
      type: "json_schema", json_schema: { name: "city", strict: true, schema: z.toJSONSchema(city) } } });
    city.parse(JSON.parse(answer.choices[0].message.content));
  },
  async "openai: demanded calls are the tool's, whole or streamed"() {
    const tools = [{ type: "function", function: { name: "weather", parameters: z.toJSONSchema(weather) } }];
    const asked = { model: tooled, messages, temperature: 0, max_tokens: 60, tools, tool_choice: "required" };
    const call = (await client.chat.completions.create(asked)).choices[0].message.tool_calls[0].function;
    assert.equal(call.name, "weather");
    weather.parse(JSON.parse(call.arguments));
    const streamed = await client.chat.completions.stream({ ...asked }).finalChatCompletion();
    assert.equal(streamed.choices[0].message.tool_calls[0].function.arguments, call.arguments);
  },
  async "openai: errors are of their class"() {
    await assert.rejects(client.chat.completions.create({ model: "no:model", messages }), OpenAI.NotFoundError);
    await assert.rejects(client.chat.completions.create({ model, messages, temperature: 9 }), OpenAI.BadRequestError);
  },
  async "openai: an aborted stream ends"() {
    const stream = await client.chat.completions.create({ model, messages, max_tokens: 4000, stream: true, ignore_eos: true });
    for await (const chunk of stream) if (chunk.choices.length) break;
    assert.ok(stream.controller.signal.aborted);
  },
  async "ollama: a chat and its stream agree"() {
    const ollama = new Ollama({ host: base });
    const options = { temperature: 0, num_predict: 16 };
    const whole = await ollama.chat({ model, messages, options });
    let text = "";
    for await (const part of await ollama.chat({ model, messages, options, stream: true })) text += part.message.content;
    assert.equal(text, whole.message.content);
  },
  async "ai: generateText, streamText and generateObject"() {
    const provider = createOpenAICompatible({ name: "shenbi", baseURL: `${base}/v1`, supportsStructuredOutputs: true });
    const whole = await generateText({ model: provider(model), messages, temperature: 0, maxOutputTokens: 16 });
    assert.match(whole.text, /Paris/);
    const stream = streamText({ model: provider(model), messages, temperature: 0, maxOutputTokens: 16 });
    assert.equal(await stream.text, whole.text);
    const object = await generateObject({ model: provider(model), messages, schema: city, temperature: 0, maxOutputTokens: 60 });
    city.parse(object.object);
  },
  async "ai: a demanded tool is called with what its schema allows"() {
    const provider = createOpenAICompatible({ name: "shenbi", baseURL: `${base}/v1` });
    const seen = [];
    const tools = { weather: tool({ inputSchema: weather, execute: async (input) => seen.push(input) }) };
    // One call: a row of them may end at the limit of tokens, and then this client runs none.
    await generateText({ model: provider(tooled), messages, tools, toolChoice: "required", temperature: 0, maxOutputTokens: 60,
      providerOptions: { shenbi: { parallel_tool_calls: false } } });
    assert.ok(seen.length > 0);
    weather.parse(seen[0]);
  },
  async "ai: an aborted stream ends"() {
    const provider = createOpenAICompatible({ name: "shenbi", baseURL: `${base}/v1` });
    const abort = new AbortController();
    let aborted = false;
    // An answer that may not end before it has a thousand letters.
    const stream = streamText({ model: provider(model), messages, maxOutputTokens: 4000, abortSignal: abort.signal, onAbort: () => (aborted = true),
      providerOptions: { shenbi: { guided_regex: "[a-z ]{1000,}" } } });
    for await (const text of stream.textStream) if (text) abort.abort();
    assert.ok(aborted);
  },
};

let passed = 0, failed = 0;
for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    ++passed;
  } catch (error) {
    ++failed;
    console.log(`FAILED ${name}\n${error.stack}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
