#include "server/openapi/dialect_requests.h"

namespace shenbi::server::openapi {
namespace {

constexpr std::string_view kResponses = R"json({
  "type": "object", "required": ["model", "input"], "additionalProperties": false,
  "properties": {
    "model": {"type": "string"},
    "input": {"type": ["string", "array"]},
    "instructions": {"type": ["string", "null"]},
    "previous_response_id": {"type": ["string", "null"]},
    "store": {"type": ["boolean", "null"]},
    "stream": {"type": ["boolean", "null"]},
    "stream_options": {"type": ["object", "null"]},
    "max_output_tokens": {"type": ["integer", "null"], "minimum": 1},
    "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
    "top_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "seed": {"type": ["integer", "null"]},
    "stop": {"type": ["string", "array", "null"], "items": {"type": "string"}},
    "text": {"type": ["object", "null"]},
    "tools": {"type": ["array", "null"], "items": {"type": "object"}},
    "tool_choice": {"type": ["string", "object", "null"]},
    "parallel_tool_calls": {"type": ["boolean", "null"]},
    "reasoning": {"type": ["object", "null"]},
    "include": {"type": ["array", "string", "null"],
      "items": {"enum": ["message.output_text.logprobs", "reasoning.encrypted_content"]}},
    "top_logprobs": {"type": ["integer", "null"], "minimum": 0, "maximum": 20},
    "frequency_penalty": {"type": ["number", "null"], "minimum": -2, "maximum": 2},
    "presence_penalty": {"type": ["number", "null"], "minimum": -2, "maximum": 2},
    "logit_bias": {"type": ["object", "null"]},
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
    "background": {"enum": [false, null]},
    "truncation": {"enum": ["disabled", null]},
    "metadata": {}, "user": {}, "safety_identifier": {}, "service_tier": {},
    "prompt_cache_key": {}, "prompt_cache_options": {}, "prompt_cache_retention": {}
  }})json";

constexpr std::string_view kMessages = R"json({
  "type": "object", "required": ["model", "messages", "max_tokens"], "additionalProperties": false,
  "properties": {
    "model": {"type": "string"},
    "messages": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["role", "content"],
      "properties": {
        "role": {"enum": ["user", "assistant", "system"]}, "content": {"type": ["string", "array"]}}}},
    "system": {"type": ["string", "array", "null"]},
    "max_tokens": {"type": "integer", "minimum": 1},
    "stream": {"type": ["boolean", "null"]},
    "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "top_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "top_k": {"type": ["integer", "null"], "minimum": 0},
    "stop_sequences": {"type": ["array", "string", "null"], "items": {"type": "string"}},
    "tools": {"type": ["array", "null"], "items": {"type": "object"}},
    "tool_choice": {"type": ["object", "null"]},
    "thinking": {"type": ["object", "null"]},
    "output_config": {"type": ["object", "null"]},
    "speed": {"enum": ["standard", null]},
    "metadata": {}, "service_tier": {}, "cache_control": {}, "user_profile_id": {}, "workspace_id": {}
  }})json";

constexpr std::string_view kCountTokens = R"json({
  "type": "object", "required": ["model", "messages"], "additionalProperties": false,
  "properties": {
    "model": {"type": "string"},
    "messages": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["role", "content"]}},
    "system": {"type": ["string", "array", "null"]},
    "tools": {"type": ["array", "null"], "items": {"type": "object"}},
    "tool_choice": {"type": ["object", "null"]},
    "thinking": {"type": ["object", "null"]},
    "output_config": {"type": ["object", "null"]},
    "speed": {"enum": ["standard", null]},
    "cache_control": {}, "user_profile_id": {}, "workspace_id": {}
  }})json";

constexpr std::string_view kOllamaChat = R"json({
  "type": "object", "required": ["model"], "additionalProperties": false,
  "properties": {
    "model": {"type": "string"},
    "messages": {"type": ["array", "null"], "items": {"type": "object", "required": ["role"], "properties": {
      "role": {"enum": ["system", "user", "assistant", "tool"]}, "content": {"type": ["string", "null"]}}}},
    "tools": {"type": ["array", "null"], "items": {"type": "object"}},
    "format": {"type": ["string", "object", "null"]},
    "options": {"type": ["object", "null"]},
    "stream": {"type": ["boolean", "null"]},
    "think": {"type": ["boolean", "string", "null"]},
    "keep_alive": {"type": ["string", "number", "null"]},
    "logprobs": {"type": ["boolean", "null"]},
    "top_logprobs": {"type": ["integer", "null"], "minimum": 0, "maximum": 20},
    "truncate": {"enum": [false, null]}, "shift": {"enum": [false, null]}
  }})json";

constexpr std::string_view kOllamaGenerate = R"json({
  "type": "object", "required": ["model"], "additionalProperties": false,
  "properties": {
    "model": {"type": "string"},
    "prompt": {"type": ["string", "null"]},
    "suffix": {"type": ["string", "null"]},
    "system": {"type": ["string", "null"]},
    "images": {"type": ["array", "null"], "items": {"type": "string"}},
    "raw": {"type": ["boolean", "null"]},
    "format": {"type": ["string", "object", "null"]},
    "options": {"type": ["object", "null"]},
    "stream": {"type": ["boolean", "null"]},
    "think": {"type": ["boolean", "string", "null"]},
    "keep_alive": {"type": ["string", "number", "null"]},
    "logprobs": {"type": ["boolean", "null"]},
    "top_logprobs": {"type": ["integer", "null"], "minimum": 0, "maximum": 20},
    "template": {"enum": ["", null]}, "context": {"enum": [[], null]},
    "truncate": {"enum": [false, null]}, "shift": {"enum": [false, null]}
  }})json";

constexpr std::string_view kOllamaEmbed = R"json({
  "type": "object", "required": ["model", "input"], "additionalProperties": false,
  "properties": {
    "model": {"type": "string"},
    "input": {"type": ["string", "array"], "items": {"type": "string"}},
    "dimensions": {"type": ["integer", "null"], "minimum": 1},
    "options": {"type": ["object", "null"]},
    "keep_alive": {"type": ["string", "number", "null"]},
    "truncate": {"enum": [false, null]}
  }})json";

// "name" is what older clients call the model.
constexpr std::string_view kOllamaShow = R"json({
  "type": "object", "additionalProperties": false,
  "properties": {
    "model": {"type": ["string", "null"]}, "name": {"type": ["string", "null"]}, "verbose": {"type": ["boolean", "null"]}
  }})json";

constexpr std::string_view kOllamaPull = R"json({
  "type": "object", "additionalProperties": false,
  "properties": {
    "model": {"type": ["string", "null"]}, "name": {"type": ["string", "null"]}, "stream": {"type": ["boolean", "null"]},
    "insecure": {"enum": [false, null]}
  }})json";

constexpr std::string_view kOllamaCopy = R"json({
  "type": "object", "required": ["source", "destination"], "additionalProperties": false,
  "properties": {"source": {"type": "string"}, "destination": {"type": "string"}}})json";

constexpr std::string_view kOllamaDelete = R"json({
  "type": "object", "additionalProperties": false,
  "properties": {"model": {"type": ["string", "null"]}, "name": {"type": ["string", "null"]}}})json";

// The names may also be written in snake_case, as protobuf's JSON allows.
constexpr std::string_view kGemini = R"json({
  "type": "object", "required": ["contents"], "additionalProperties": false,
  "properties": {
    "contents": {"type": "array", "minItems": 1, "items": {"type": "object", "properties": {
      "role": {"enum": ["user", "model", "function"]}, "parts": {"type": "array", "items": {"type": "object"}}}}},
    "systemInstruction": {"type": ["object", "string", "null"]},
    "generationConfig": {"type": ["object", "null"]},
    "tools": {"type": ["array", "null"], "items": {"type": "object"}},
    "toolConfig": {"type": ["object", "null"]},
    "safetySettings": {}, "labels": {}, "store": {}, "serviceTier": {}, "model": {}
  }})json";

constexpr std::string_view kGeminiCount = R"json({
  "type": "object", "additionalProperties": false,
  "properties": {
    "contents": {"type": ["array", "null"], "items": {"type": "object"}},
    "generateContentRequest": {"type": ["object", "null"]},
    "systemInstruction": {"type": ["object", "string", "null"]},
    "generationConfig": {"type": ["object", "null"]},
    "tools": {"type": ["array", "null"], "items": {"type": "object"}},
    "toolConfig": {"type": ["object", "null"]},
    "safetySettings": {}, "labels": {}, "store": {}, "serviceTier": {}, "model": {}
  }})json";

}  // namespace

const std::vector<std::pair<std::string_view, std::string_view>>& dialect_request_schemas() {
  static const std::vector<std::pair<std::string_view, std::string_view>> schemas = {
      {"POST /v1/responses", kResponses},
      {"POST /v1/responses/input_tokens", kResponses},
      {"POST /v1/messages", kMessages},
      {"POST /v1/messages/count_tokens", kCountTokens},
      {"POST /api/chat", kOllamaChat},
      {"POST /api/generate", kOllamaGenerate},
      {"POST /api/embed", kOllamaEmbed},
      {"POST /api/show", kOllamaShow},
      {"POST /api/pull", kOllamaPull},
      {"POST /api/copy", kOllamaCopy},
      {"DELETE /api/delete", kOllamaDelete},
      {"POST /v1beta/models/{model...}:generateContent", kGemini},
      {"POST /v1beta/models/{model...}:streamGenerateContent", kGemini},
      {"POST /v1beta/models/{model...}:countTokens", kGeminiCount},
      {"POST /v1/models/{model...}:generateContent", kGemini},
      {"POST /v1/models/{model...}:streamGenerateContent", kGemini},
      {"POST /v1/models/{model...}:countTokens", kGeminiCount},
  };
  return schemas;
}

}  // namespace shenbi::server::openapi
