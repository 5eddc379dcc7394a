#include "server/openapi/requests.h"

namespace shenbi::server::openapi {
namespace {

constexpr std::string_view kChat = R"json({
  "type": "object", "required": ["model", "messages"], "additionalProperties": false,
  "properties": {
    "model": {"type": "string"},
    "messages": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["role"], "properties": {
      "role": {"enum": ["system", "developer", "user", "assistant", "tool"]},
      "content": {"type": ["string", "array", "null"]}}}},
    "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
    "top_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "max_tokens": {"type": ["integer", "null"], "minimum": 1},
    "max_completion_tokens": {"type": ["integer", "null"], "minimum": 1},
    "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 128},
    "seed": {"type": ["integer", "null"]},
    "stop": {"type": ["string", "array", "null"], "items": {"type": "string"}},
    "stream": {"type": ["boolean", "null"]},
    "stream_options": {"type": ["object", "null"]},
    "logprobs": {"type": ["boolean", "null"]},
    "top_logprobs": {"type": ["integer", "null"], "minimum": 0, "maximum": 20},
    "logit_bias": {"type": ["object", "null"]},
    "frequency_penalty": {"type": ["number", "null"], "minimum": -2, "maximum": 2},
    "presence_penalty": {"type": ["number", "null"], "minimum": -2, "maximum": 2},
    "response_format": {"type": ["object", "null"]},
    "tools": {"type": ["array", "null"], "items": {"type": "object"}},
    "tool_choice": {"type": ["string", "object", "null"]},
    "parallel_tool_calls": {"type": ["boolean", "null"]},
    "reasoning_effort": {"type": ["string", "null"]},
    "thinking_budget": {"type": ["integer", "null"], "minimum": 1},
    "enable_thinking": {"type": ["boolean", "null"]},
    "thinking": {"type": ["object", "null"]},
    "chat_template_kwargs": {"type": ["object", "null"]},
    "continue_final_message": {"type": ["boolean", "null"]},
    "add_generation_prompt": {"type": ["boolean", "null"]},
    "top_k": {"type": ["integer", "null"], "minimum": -1, "maximum": 16777216},
    "min_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "typical_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "repetition_penalty": {"type": ["number", "null"], "minimum": 0.01, "maximum": 100},
    "repeat_penalty": {"type": ["number", "null"], "minimum": 0.01, "maximum": 100},
    "dry_multiplier": {"type": ["number", "null"], "minimum": 0, "maximum": 100},
    "dry_base": {"type": ["number", "null"], "minimum": 0, "maximum": 100},
    "dry_allowed_length": {"type": ["integer", "null"], "minimum": 0, "maximum": 16777216},
    "dry_penalty_last_n": {"type": ["integer", "null"], "minimum": -1, "maximum": 134217728},
    "guided_json": {"type": ["object", "null"]},
    "guided_regex": {"type": ["string", "null"]},
    "guided_choice": {"type": ["array", "string", "null"], "items": {"type": "string"}},
    "guided_grammar": {"type": ["string", "null"]},
    "grammar": {"type": ["string", "null"]},
    "stop_token_ids": {"type": ["array", "null"], "items": {"type": "integer"}},
    "ignore_eos": {"type": ["boolean", "null"]},
    "priority": {"type": ["integer", "null"], "minimum": -1000000, "maximum": 1000000},
    "modalities": {"enum": [["text"], null]},
    "verbosity": {"enum": ["medium", null]},
    "metadata": {}, "user": {}, "safety_identifier": {}, "service_tier": {}, "store": {}, "prediction": {},
    "prompt_cache_key": {}, "prompt_cache_options": {}, "prompt_cache_retention": {}, "cache_prompt": {}
  }})json";

constexpr std::string_view kCompletion = R"json({
  "type": "object", "required": ["model", "prompt"], "additionalProperties": false,
  "properties": {
    "model": {"type": "string"},
    "prompt": {"type": ["string", "array"]},
    "max_tokens": {"type": ["integer", "null"], "minimum": 0},
    "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
    "top_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 128},
    "seed": {"type": ["integer", "null"]},
    "stop": {"type": ["string", "array", "null"], "items": {"type": "string"}},
    "stream": {"type": ["boolean", "null"]},
    "echo": {"type": ["boolean", "null"]},
    "logprobs": {"type": ["integer", "null"], "minimum": 0, "maximum": 20},
    "logit_bias": {"type": ["object", "null"]},
    "frequency_penalty": {"type": ["number", "null"], "minimum": -2, "maximum": 2},
    "presence_penalty": {"type": ["number", "null"], "minimum": -2, "maximum": 2},
    "best_of": {"type": ["integer", "null"], "minimum": 1, "maximum": 128},
    "suffix": {"type": ["string", "null"]},
    "stream_options": {"type": ["object", "null"]},
    "add_special_tokens": {"type": ["boolean", "null"]},
    "response_format": {"type": ["object", "null"]},
    "top_k": {"type": ["integer", "null"], "minimum": -1, "maximum": 16777216},
    "min_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "typical_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "repetition_penalty": {"type": ["number", "null"], "minimum": 0.01, "maximum": 100},
    "repeat_penalty": {"type": ["number", "null"], "minimum": 0.01, "maximum": 100},
    "dry_multiplier": {"type": ["number", "null"], "minimum": 0, "maximum": 100},
    "dry_base": {"type": ["number", "null"], "minimum": 0, "maximum": 100},
    "dry_allowed_length": {"type": ["integer", "null"], "minimum": 0, "maximum": 16777216},
    "dry_penalty_last_n": {"type": ["integer", "null"], "minimum": -1, "maximum": 134217728},
    "guided_json": {"type": ["object", "null"]},
    "guided_regex": {"type": ["string", "null"]},
    "guided_choice": {"type": ["array", "string", "null"], "items": {"type": "string"}},
    "guided_grammar": {"type": ["string", "null"]},
    "grammar": {"type": ["string", "null"]},
    "stop_token_ids": {"type": ["array", "null"], "items": {"type": "integer"}},
    "ignore_eos": {"type": ["boolean", "null"]},
    "priority": {"type": ["integer", "null"], "minimum": -1000000, "maximum": 1000000},
    "metadata": {}, "user": {}, "store": {}, "cache_prompt": {}
  }})json";

constexpr std::string_view kEmbeddings = R"json({
  "type": "object", "required": ["model", "input"], "additionalProperties": false,
  "properties": {
    "model": {"type": "string"},
    "input": {"type": ["string", "array"]},
    "dimensions": {"type": ["integer", "null"], "minimum": 1},
    "encoding_format": {"enum": ["float", "base64"]},
    "user": {"type": ["string", "null"]}
  }})json";

constexpr std::string_view kRerank = R"json({
  "type": "object", "required": ["model", "query", "documents"], "additionalProperties": false,
  "properties": {
    "model": {"type": "string"},
    "query": {"type": "string", "minLength": 1},
    "documents": {"type": "array", "minItems": 1, "maxItems": 10000, "items": {"oneOf": [
      {"type": "string", "minLength": 1},
      {"type": "object", "required": ["text"], "additionalProperties": false,
       "properties": {"text": {"type": "string", "minLength": 1}}}]}},
    "top_n": {"type": ["integer", "null"], "minimum": 1, "maximum": 10000},
    "return_documents": {"type": ["boolean", "null"]},
    "instruction": {"type": ["string", "null"]},
    "max_tokens_per_doc": {"type": ["integer", "null"], "minimum": 1, "maximum": 16777216},
    "max_chunks_per_doc": {"type": ["integer", "null"], "minimum": 1, "maximum": 16777216},
    "overlap_tokens": {"type": ["integer", "null"], "minimum": 0, "maximum": 16777216},
    "truncate_prompt_tokens": {"type": ["integer", "null"], "minimum": 1, "maximum": 16777216},
    "rank_fields": {"type": ["array", "null"], "items": {"enum": ["text"]}, "minItems": 1, "maxItems": 1},
    "user": {"type": ["string", "null"]}
  }})json";

constexpr std::string_view kTokenize = R"json({
  "type": "object", "required": ["prompt"], "additionalProperties": false,
  "properties": {
    "model": {"type": ["string", "null"]},
    "prompt": {"type": "string"},
    "add_special_tokens": {"type": ["boolean", "null"]},
    "return_token_strs": {"type": ["boolean", "null"]}
  }})json";

constexpr std::string_view kDetokenize = R"json({
  "type": "object", "required": ["tokens"], "additionalProperties": false,
  "properties": {"model": {"type": ["string", "null"]}, "tokens": {"type": "array", "items": {"type": "integer"}}}})json";

constexpr std::string_view kKey = R"json({
  "type": "object", "required": ["name"], "additionalProperties": false,
  "properties": {
    "name": {"type": "string"},
    "scopes": {"type": ["array", "string", "null"], "items": {"enum": ["infer", "read", "manage", "page"]}},
    "models": {"type": ["array", "string", "null"], "items": {"type": "string"}},
    "requests_per_minute": {"type": ["integer", "null"], "minimum": 0},
    "tokens_per_day": {"type": ["integer", "null"], "minimum": 0},
    "expires": {"type": ["number", "null"], "minimum": 0},
    "team": {"type": ["string", "null"]}
  }})json";

constexpr std::string_view kKeyChange = R"json({
  "type": "object", "required": ["team"], "additionalProperties": false, "properties": {"team": {"type": "string"}}})json";

constexpr std::string_view kBudget = R"json({
  "type": "object", "additionalProperties": false,
  "properties": {
    "whose": {"enum": ["everybody", "team", "key", null]},
    "subject": {"type": ["string", "null"]},
    "period": {"enum": ["day", "month", "total", null]},
    "limit_usd": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1000000000},
    "limit_tokens": {"type": ["integer", "null"], "minimum": 1},
    "alerts": {"type": ["array", "null"], "maxItems": 10, "items": {"type": "integer", "minimum": 1, "maximum": 100}},
    "unpriced": {"type": ["boolean", "null"]},
    "from": {"type": ["string", "null"]}
  }})json";

constexpr std::string_view kRoute = R"json({
  "type": "object", "additionalProperties": false, "required": ["targets"],
  "properties": {
    "targets": {"type": ["array", "string"], "items": {"type": "string"}},
    "order": {"type": ["string", "null"], "enum": ["listed", "turns", "fast", "cheapest", null]},
    "hedge_ms": {"type": ["integer", "null"], "minimum": 0, "maximum": 600000}
  }})json";

constexpr std::string_view kUpstream = R"json({
  "type": "object", "additionalProperties": false,
  "properties": {
    "house": {"type": ["string", "null"]},
    "base_url": {"type": ["string", "null"]},
    "keys": {"type": ["array", "string", "null"], "items": {"type": "string"}},
    "settings": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
    "models": {"type": ["array", "string", "null"], "items": {"type": "string"}},
    "priority": {"type": ["integer", "null"], "minimum": -1000000, "maximum": 1000000},
    "weight": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1000000},
    "first_timeout_s": {"type": ["integer", "null"], "minimum": 0, "maximum": 86400},
    "whole_timeout_s": {"type": ["integer", "null"], "minimum": 0, "maximum": 86400},
    "idle_timeout_s": {"type": ["integer", "null"], "minimum": 0, "maximum": 86400},
    "personal_data": {"type": ["string", "null"], "enum": ["", "send", "mask", "block", null]},
    "private_words": {"type": ["array", "string", "null"], "items": {"type": "string"}},
    "private_patterns": {"type": ["array", "string", "null"], "items": {"type": "string"}},
    "enabled": {"type": ["boolean", "null"]}
  }})json";

constexpr std::string_view kConversation = R"json({
  "type": "object", "additionalProperties": false,
  "properties": {"title": {"type": ["string", "null"]}, "folder": {"type": ["string", "null"]}}})json";

constexpr std::string_view kFolder = R"json({
  "type": "object", "required": ["name"], "additionalProperties": false, "properties": {"name": {"type": "string"}}})json";

constexpr std::string_view kFile = R"json({
  "type": "object", "required": ["purpose", "file"], "additionalProperties": false,
  "properties": {
    "purpose": {"enum": ["batch", "user_data"]},
    "file": {"type": "string", "format": "binary"},
    "expires_after": {"type": "object", "required": ["anchor", "seconds"], "additionalProperties": false, "properties": {
      "anchor": {"enum": ["created_at"]}, "seconds": {"type": "integer", "minimum": 3600, "maximum": 2592000}}}
  }})json";

constexpr std::string_view kBatch = R"json({
  "type": "object", "required": ["input_file_id", "endpoint", "completion_window"], "additionalProperties": false,
  "properties": {
    "input_file_id": {"type": "string"},
    "endpoint": {"type": "string", "enum": ["/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings"]},
    "completion_window": {"type": "string", "enum": ["24h"]},
    "metadata": {"type": ["object", "null"], "maxProperties": 16,
      "additionalProperties": {"type": "string", "maxLength": 512}},
    "output_expires_after": {"type": ["object", "null"], "required": ["anchor", "seconds"], "additionalProperties": false,
      "properties": {
        "anchor": {"enum": ["created_at"]}, "seconds": {"type": "integer", "minimum": 3600, "maximum": 2592000}}}
  }})json";

constexpr std::string_view kModeration = R"json({
  "type": "object", "required": ["input"], "additionalProperties": false,
  "properties": {"input": {"type": ["string", "array"]}, "model": {"type": ["string", "null"]}}})json";

constexpr std::string_view kCompare = R"json({
  "type": "object", "required": ["models", "messages"], "additionalProperties": false,
  "properties": {
    "models": {"type": "array", "minItems": 1, "maxItems": 16, "items": {"type": "string", "minLength": 1}},
    "messages": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["role"], "properties": {
      "role": {"enum": ["system", "developer", "user", "assistant", "tool"]},
      "content": {"type": ["string", "array", "null"]}}}},
    "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
    "top_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "max_tokens": {"type": ["integer", "null"], "minimum": 1},
    "max_completion_tokens": {"type": ["integer", "null"], "minimum": 1},
    "seed": {"type": ["integer", "null"]},
    "stop": {"type": ["string", "array", "null"], "items": {"type": "string"}},
    "stream": {"type": ["boolean", "null"]},
    "frequency_penalty": {"type": ["number", "null"], "minimum": -2, "maximum": 2},
    "presence_penalty": {"type": ["number", "null"], "minimum": -2, "maximum": 2},
    "response_format": {"type": ["object", "null"]},
    "tools": {"type": ["array", "null"], "items": {"type": "object"}},
    "tool_choice": {"type": ["string", "object", "null"]},
    "reasoning_effort": {"type": ["string", "null"]},
    "thinking_budget": {"type": ["integer", "null"], "minimum": 1},
    "top_k": {"type": ["integer", "null"]},
    "min_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "repetition_penalty": {"type": ["number", "null"]}
  }})json";

constexpr std::string_view kCompareSummary = R"json({
  "type": "object", "required": ["model", "question", "answers"], "additionalProperties": false,
  "properties": {
    "model": {"type": "string"},
    "question": {"type": "string"},
    "answers": {"type": "array", "minItems": 2, "maxItems": 16, "items": {
      "type": "object", "required": ["name", "content"], "additionalProperties": false,
      "properties": {"name": {"type": "string"}, "content": {"type": "string"}}}},
    "max_tokens": {"type": ["integer", "null"], "minimum": 1},
    "stream": {"type": ["boolean", "null"]}
  }})json";

// Media goes through to its house, which judges the fields: typed is what is read here, any other field is taken.
constexpr std::string_view kImage = R"json({
  "type": "object", "required": ["model", "prompt"], "additionalProperties": true,
  "properties": {
    "model": {"type": "string"},
    "prompt": {"type": "string"},
    "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 100},
    "stream": {"type": ["boolean", "null"]},
    "background": {}, "complexity": {}, "frame_count": {}, "frame_duration_ms": {}, "moderation": {},
    "output_compression": {}, "output_format": {}, "partial_images": {}, "quality": {}, "response_format": {},
    "safety_identifier": {}, "size": {}, "style": {}, "svg": {}, "user": {}
  }})json";

constexpr std::string_view kImageEdit = R"json({
  "type": "object", "required": ["model", "prompt", "image"], "additionalProperties": true,
  "properties": {
    "model": {"type": "string"},
    "prompt": {"type": "string"},
    "image": {"type": "string", "format": "binary"},
    "n": {"type": "integer", "minimum": 1, "maximum": 100},
    "background": {}, "complexity": {}, "frame_count": {}, "frame_duration_ms": {}, "image[]": {},
    "input_fidelity": {}, "markup": {}, "mask": {}, "output_compression": {}, "output_format": {},
    "partial_images": {}, "quality": {}, "response_format": {}, "safety_identifier": {}, "size": {},
    "stream": {}, "svg": {}, "user": {}
  }})json";

constexpr std::string_view kSpeech = R"json({
  "type": "object", "required": ["model", "input"], "additionalProperties": true,
  "properties": {
    "model": {"type": "string"},
    "input": {"type": "string"},
    "instructions": {}, "response_format": {}, "speed": {}, "stream_format": {}, "voice": {}
  }})json";

constexpr std::string_view kTranscription = R"json({
  "type": "object", "required": ["model", "file"], "additionalProperties": true,
  "properties": {
    "model": {"type": "string"},
    "file": {"type": "string", "format": "binary"},
    "chunking_strategy": {}, "include": {}, "keywords": {}, "known_speaker_names": {},
    "known_speaker_references": {}, "language": {}, "languages": {}, "prompt": {}, "response_format": {},
    "stream": {}, "temperature": {}, "timestamp_granularities": {}
  }})json";

constexpr std::string_view kTranslation = R"json({
  "type": "object", "required": ["model", "file"], "additionalProperties": true,
  "properties": {
    "model": {"type": "string"},
    "file": {"type": "string", "format": "binary"},
    "prompt": {}, "response_format": {}, "temperature": {}
  }})json";

constexpr std::string_view kVideo = R"json({
  "type": "object", "required": ["model", "prompt"], "additionalProperties": true,
  "properties": {
    "model": {"type": "string"},
    "prompt": {"type": "string"},
    "seconds": {"oneOf": [{"type": "string", "pattern": "^[0-9]+$"}, {"type": "integer", "minimum": 1, "maximum": 3600}]},
    "input_reference": {}, "size": {}
  }})json";

}  // namespace

const std::vector<std::pair<std::string_view, std::string_view>>& request_schemas() {
  static const std::vector<std::pair<std::string_view, std::string_view>> schemas = {
      {"POST /v1/chat/completions", kChat},
      {"POST /v1/completions", kCompletion},
      {"POST /v1/embeddings", kEmbeddings},
      {"POST /v1/rerank", kRerank},
      {"POST /v2/rerank", kRerank},
      {"POST /tokenize", kTokenize},
      {"POST /detokenize", kDetokenize},
      {"POST /page/keys", kKey},
      {"PUT /page/upstreams/{name}", kUpstream},
      {"POST /page/conversations", kConversation},
      {"POST /page/folders", kFolder},
      {"POST /v1/batches", kBatch},
      {"PATCH /page/keys/{id}", kKeyChange},
      {"PUT /page/budgets/{name}", kBudget},
      {"POST /v1/moderations", kModeration},
      {"POST /v1/compare", kCompare},
      {"POST /v1/compare/summary", kCompareSummary},
      {"POST /page/compare", kCompare},
      {"POST /page/compare/summary", kCompareSummary},
      {"PUT /page/routes/{name}", kRoute},
      {"POST /v1/images/generations", kImage},
      {"POST /v1/audio/speech", kSpeech},
      {"POST /v1/videos", kVideo},
  };
  return schemas;
}

const std::vector<std::pair<std::string_view, std::string_view>>& form_schemas() {
  static const std::vector<std::pair<std::string_view, std::string_view>> schemas = {
      {"POST /v1/files", kFile},
      {"POST /v1/images/edits", kImageEdit},
      {"POST /v1/audio/transcriptions", kTranscription},
      {"POST /v1/audio/translations", kTranslation},
      {"POST /v1/videos", kVideo}};
  return schemas;
}

const std::vector<std::pair<std::string_view, std::string_view>>& query_schemas() {
  static const std::vector<std::pair<std::string_view, std::string_view>> schemas = {
      {"GET /v1/files", R"json({
         "limit": {"type": "integer", "minimum": 1, "maximum": 10000}, "after": {"type": "string"},
         "order": {"enum": ["asc", "desc"]}, "purpose": {"type": "string"}})json"},
      {"GET /v1/videos", R"json({
         "limit": {"type": "integer", "minimum": 1, "maximum": 100}, "after": {"type": "string"},
         "order": {"enum": ["asc", "desc"]}})json"},
      {"GET /v1/videos/{id}/content", R"json({"variant": {"enum": ["video"]}})json"},
      {"GET /v1/batches", R"json({
         "limit": {"type": "integer", "minimum": 1, "maximum": 100}, "after": {"type": "string"}})json"},
  };
  return schemas;
}

}  // namespace shenbi::server::openapi
