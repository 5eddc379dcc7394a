// node-llama-cpp (npm, prebuilt binary) driven in its own process, without a server: what `streams` completions at once give, and the time to the
// first token of a prompt, cold and with a beginning that was asked before. Prints one line of JSON.
//
// usage: node bench/node_llama_cpp.mjs PACKAGE_FOLDER MODEL.gguf STREAMS TOKENS     (PACKAGE_FOLDER holds node_modules)
import {createRequire} from "node:module";
import {pathToFileURL} from "node:url";
import path from "node:path";

const [folder, modelPath, streamsText, tokensText] = process.argv.slice(2);
const streams = Number(streamsText), tokens = Number(tokensText);
const entry = createRequire(path.join(path.resolve(folder), "package.json")).resolve("node-llama-cpp");
const {getLlama, LlamaCompletion, LlamaLogLevel} = await import(pathToFileURL(entry));

const llama = await getLlama({gpu: false, build: "never", maxThreads: 2, logLevel: LlamaLogLevel.error});
const model = await llama.loadModel({modelPath});
const context = await model.createContext({sequences: streams, contextSize: 1024, batchSize: 512, threads: 2});
const completions = Array.from({length: streams}, () => new LlamaCompletion({contextSequence: context.getSequence()}));

async function complete(completion, text, count) {
    const start = performance.now();
    let first = null, made = 0;
    await completion.generateCompletion(text, {
        maxTokens: count, temperature: 0, customStopTriggers: [],
        onToken: (ids) => { first ??= performance.now() - start; made += ids.length; },
    });
    return {first: first / 1000, made};
}

await complete(completions[0], "Warm up", 4);
const nonce = Math.random().toString(16).slice(2, 10);
const text = `${nonce} ` + "The quick brown fox jumps over the lazy dog near the river bank. ".repeat(36);
const cold = await complete(completions[0], text + "Then", 1);
const warm = await complete(completions[0], text + "Later", 1);

const prompts = completions.map((_, i) => `${i * 7919 % 1000} is a number. Once upon a time there was a king who`);
const start = performance.now();
const results = await Promise.all(completions.map((completion, i) => complete(completion, prompts[i], tokens)));
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({tokens_per_s: results.reduce((sum, r) => sum + r.made, 0) / seconds, cold_s: cold.first, warm_s: warm.first}));
process.exit(0);
