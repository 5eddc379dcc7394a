#pragma once
// The one table of limits: everything from outside is bounded, and every bound is a row here (docs/limits.md is made from
// it: one constant a line, the reason behind it). A bound exists where a hostile file or request could otherwise cost
// memory or time out of proportion to its size; each says why its value is beyond what honest input needs.

#include <cstdint>

namespace shenbi::limits {

// --- model files ---
inline constexpr uint64_t kMaxTensors = 1u << 17;            ///< DeepSeek-V3 as unfused safetensors has about 92,000
inline constexpr uint64_t kMaxMetadataEntries = 1u << 16;    ///< GGUF files in the wild have under 100
inline constexpr uint64_t kMaxMetadataElements = 1u << 24;   ///< of all arrays of a file; 262,144 tokens with scores, types and merges are about 2^20
inline constexpr uint64_t kMaxShards = 4096;                 ///< files of one model; DeepSeek-V3 has 163
inline constexpr uint64_t kMaxTensorDims = 8;
inline constexpr uint64_t kMaxNameBytes = 1024;              ///< a tensor or key name; GGML itself allows 63
inline constexpr uint64_t kMaxMetadataStringBytes = 64u << 20;  ///< chat templates reach 100 KB, embedded tokenizers 30 MB
inline constexpr uint64_t kMaxSafetensorsHeaderBytes = 100u << 20;  ///< the bound of the reference library
inline constexpr uint64_t kMaxIndexBytes = 64u << 20;        ///< model.safetensors.index.json; DeepSeek-V3's is 8.9 MB
inline constexpr uint64_t kMaxConfigBytes = 4u << 20;
inline constexpr uint64_t kMaxTokenizerBytes = 256u << 20;   ///< tokenizer.json of 256k-word models is about 35 MB
inline constexpr uint64_t kMaxVocabulary = 1u << 22;         ///< the largest known is 262,144
inline constexpr uint64_t kMaxTokenBytes = 1u << 16;

inline constexpr uint64_t kMaxCacheBytes = 128ull << 30;      ///< kept weights of all models together; what was not used for longest goes first

// --- hyper-parameters ---
inline constexpr uint64_t kMaxLayers = 1024;
inline constexpr uint64_t kMaxHeads = 4096;
inline constexpr uint64_t kMaxHeadDim = 4096;
inline constexpr uint64_t kMaxEmbedding = 1u << 18;
inline constexpr uint64_t kMaxFeedForward = 1u << 21;
inline constexpr uint64_t kMaxExperts = 4096;
inline constexpr uint64_t kMaxContext = 1u << 27;

// --- chat templates (untrusted programs) ---
inline constexpr uint64_t kMaxTemplateBytes = 1u << 20;
inline constexpr uint64_t kMaxTemplateSteps = 20'000'000;    ///< real templates stay under one million on long chats
inline constexpr uint64_t kMaxTemplateOutputBytes = 64u << 20;
inline constexpr uint64_t kMaxTemplateMemoryBytes = 256u << 20;  ///< values alive while rendering
inline constexpr uint64_t kMaxTemplateDepth = 200;           ///< nesting of expressions and blocks in the source, and of macro calls
inline constexpr uint64_t kMaxTemplateEvaluationDepth = 2000;  ///< nested evaluations while rendering, about 0.5 KB of stack each
inline constexpr uint64_t kMaxTemplateRange = 100'000;       ///< items of one range(); the bound of jinja2's sandbox

// --- grammars (structured output; untrusted) ---
inline constexpr uint64_t kMaxGrammarBytes = 8u << 20;       ///< GBNF text or all choices together; 10^5 choices of 80 bytes
inline constexpr uint64_t kMaxPatternBytes = 1u << 16;       ///< one regular expression
inline constexpr uint64_t kMaxGrammarNesting = 100;          ///< groups in GBNF and patterns, objects in schemas; OpenAI allows 10
inline constexpr uint64_t kMaxGrammarNodes = 1u << 20;       ///< of all rules; 10^5 enum values take about 10^5
inline constexpr uint64_t kMaxGrammarRepeat = 100'000;       ///< {m,n}, maxLength, maxItems; one state each
inline constexpr uint64_t kMaxGrammarStates = 1u << 18;      ///< of the automaton, about 100 bytes each while it is built
inline constexpr uint64_t kMaxGrammarDepth = 256;            ///< rules open at once while reading: what bounds the nesting of answers
inline constexpr uint64_t kMaxGrammarReadings = 2048;        ///< ways to read the same text at once; C has under 50
inline constexpr uint64_t kMaxMaskWork = 16'000'000;         ///< readings moved for the first time to find one mask; JSON takes some thousand
inline constexpr uint64_t kMaxAutomatonBytes = 32u << 20;    ///< remembered states of one grammar; JSON takes under 1 MB
inline constexpr uint64_t kMaxMaskCacheBytes = 64u << 20;    ///< remembered masks of one vocabulary, all grammars together; 32 KiB each for 262,144 tokens
inline constexpr uint64_t kMaxGrammarCacheBytes = 128u << 20;  ///< compiled grammars of one model and what they remember, so that the same schema costs once
inline constexpr uint64_t kMaxCachedGrammars = 1024;         ///< of one model; their sizes are added up for each request, in microseconds
inline constexpr uint64_t kMaxSchemaNodes = 1u << 20;        ///< JSON values in one schema
inline constexpr uint64_t kMaxSchemaAlternatives = 1024;     ///< of one value, after anyOf within allOf is multiplied out
inline constexpr uint64_t kMaxSchemaOptional = 1000;         ///< optional properties in a row; each is a reading

// --- requests ---
inline constexpr uint64_t kMaxHttpHeaders = 256;             ///< browsers and SDKs send under 40
inline constexpr uint64_t kMaxChunkLineBytes = 8u << 10;     ///< the size line of a chunk, or the trailer after the last one
inline constexpr uint64_t kMaxSseEventBytes = 32u << 20;     ///< one event of a stream that we read; images come as base64 in one event
inline constexpr uint64_t kMaxUpstreamHeadBytes = 64u << 10; ///< of an upstream's answer, all headers together; APIs send under 4 KB
inline constexpr uint64_t kMaxDrainBytes = 1u << 20;         ///< read and thrown away after a refusal, so that the client sees the answer before the reset
inline constexpr uint64_t kMaxPromptBytes = 256u << 20;
inline constexpr uint64_t kMaxRequestDepth = 64;             ///< nesting of a request's JSON; schemas of tools reach about 15
inline constexpr uint64_t kMaxEmbeddingInputs = 2048;        ///< texts of one request; the bound of the OpenAI API
inline constexpr uint64_t kMaxRerankDocuments = 10'000;       ///< of one request; the bound of Cohere's API, houses take fewer
inline constexpr uint64_t kMaxRerankBytes = 16u << 20;       ///< the query and its documents together; a thousand long pages take 4 MB
inline constexpr uint64_t kMaxRerankAnswerBytes = 32u << 20;  ///< of a house, which may send the documents back
inline constexpr uint64_t kMaxQueuedRequests = 4096;         ///< waiting for a worker thread; beyond it 503
inline constexpr uint64_t kMaxMultipartParts = 64;           ///< of one upload; a file with its options has under 10
inline constexpr uint64_t kMaxMultipartHeadBytes = 8u << 10; ///< of one part; browsers send under 500

inline constexpr uint64_t kMaxTraceStateBytes = 512;         ///< of a tracestate header; the bound that W3C asks systems to carry
inline constexpr uint64_t kMaxTraceValueBytes = 1024;        ///< of one attribute of a span: names of models come from requests

inline constexpr uint64_t kMaxOrderedKeys = 1024;            ///< of one JSON object whose order is kept: looked up one by one, so quadratic
inline constexpr uint64_t kMaxImportMessages = 1u << 14;     ///< of one imported conversation, which lie in one object: the same cost
inline constexpr uint64_t kMaxKeyWords = 1024;               ///< scopes of an API key, or models that it may ask
inline constexpr uint64_t kMaxRequestMessages = 1u << 16;   ///< long agent runs reach some thousands
inline constexpr uint64_t kMaxRequestTools = 1024;           ///< OpenAI allows 128
inline constexpr uint64_t kMaxStopStrings = 64;              ///< OpenAI allows 4
inline constexpr uint64_t kMaxRequestPrompts = 1024;         ///< of one completion request; evaluation tools send some 100
inline constexpr uint64_t kMaxChoices = 128;                 ///< answers to one prompt; OpenAI's own bound

// --- answers ---
inline constexpr uint64_t kMaxToolCallBytes = 4u << 20;      ///< of one call's source; a call that writes a file holds the file
inline constexpr uint64_t kMaxToolCallDepth = 128;           ///< nesting of its arguments
inline constexpr uint64_t kMaxToolNameBytes = 1024;          ///< of a function or parameter; OpenAI allows 64

// --- saved prompts (the page shows all of an owner's in one list, fetched whole) ---
inline constexpr uint64_t kMaxSavedPrompts = 1000;
inline constexpr uint64_t kMaxSavedPromptBytes = 64u << 10;  ///< some pages of text

// --- files and batches ---
inline constexpr uint64_t kMaxFileBytes = 60u << 20;         ///< of one upload: it comes in one request's body, which holds 64 MiB
inline constexpr uint64_t kMaxFiles = 10'000;                ///< of one key, the outputs of its batches besides
inline constexpr uint64_t kMaxStoredFileBytes = 64ull << 30;  ///< uploads of one key together; the outputs of its batches besides
inline constexpr uint64_t kMaxFileNameBytes = 255;           ///< what a file is called by its owner; the bound of file systems
inline constexpr uint64_t kMinFileSeconds = 3600;            ///< how soon a file may expire; the bound of the OpenAI API
inline constexpr uint64_t kMaxFileSeconds = 30 * 86400;      ///< how late; the same
inline constexpr uint64_t kMaxBatchLines = 50'000;           ///< of one batch; the bound of the OpenAI API
inline constexpr uint64_t kMaxCustomIdBytes = 512;           ///< what a line is called by its sender
inline constexpr uint64_t kMaxUnfinishedBatches = 32;        ///< of one key; an index of 50,000 lines takes about 1 MB
inline constexpr uint64_t kEndedBatchSeconds = 30 * 86400;   ///< how long an ended batch without files is remembered: as long as a file may live at most
inline constexpr uint64_t kMaxBatchErrors = 100;             ///< wrong lines that are named; the rest is counted
inline constexpr uint64_t kMaxMetadataPairs = 16;            ///< notes on a batch; bounds of the OpenAI API, as are the next two
inline constexpr uint64_t kMaxMetadataNameBytes = 64;
inline constexpr uint64_t kMaxMetadataValueBytes = 512;

// --- the catalog (a file that users bring) ---
inline constexpr uint64_t kMaxCatalogBytes = 32u << 20;      ///< LiteLLM's table of 4,553 models is 3.5 MB
inline constexpr uint64_t kMaxCatalogModels = 20'000;        ///< the same table, four times over
inline constexpr uint64_t kMaxCatalogTextBytes = 1024;       ///< of one field; the longest sentence has under 200
inline constexpr uint64_t kMaxCatalogList = 64;              ///< prices of a model, names or steps of a price

}  // namespace shenbi::limits
