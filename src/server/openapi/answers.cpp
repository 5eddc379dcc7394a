#include "server/openapi/answers.h"

#include <algorithm>

#include "server/openapi/types.h"
#include "server/web_assets.h"

namespace shenbi::server::openapi {
namespace {

using Form = Answer::Form;

constexpr std::string_view kJson = "application/json", kNoBody, kEventStream = "text/event-stream",
                           kLineStream = "application/x-ndjson";

std::vector<Answer> table() {
  std::vector<Answer> all = {
      {"POST /v1/chat/completions", 200, "ChatCompletion"},
      {"POST /v1/chat/completions", 200, "ChatCompletionChunk", kEventStream, Form::kEvents},
      {"POST /v1/completions", 200, "Completion"},
      {"POST /v1/completions", 200, "CompletionChunk", kEventStream, Form::kEvents},
      {"POST /v1/embeddings", 200, "Embeddings"},
      {"POST /v1/rerank", 200, "Ranking"},
      {"POST /v2/rerank", 200, "Ranking"},
      {"GET /v1/models", 200, "ModelList"},
      {"GET /v1/models", 200, "AnthropicModelList"},  // by the headers of the asking client
      {"GET /v1/models", 200, "GeminiModelList"},
      {"GET /v1/models/{id...}", 200, "Model"},
      {"GET /v1/models/{id...}", 200, "AnthropicModel"},
      {"GET /v1/models/{id...}", 200, "GeminiModel"},
      {"POST /tokenize", 200, "Tokens"},
      {"POST /detokenize", 200, "Detokenized"},
      {"GET /tokenizer_info", 200, "TokenizerInfo"},
      {"POST /v1/responses", 200, "Response"},
      {"POST /v1/responses", 200, "ResponseEvent", kEventStream, Form::kEvents},
      {"POST /v1/responses/input_tokens", 200, "ResponseInputTokens"},
      {"GET /v1/responses/{id}", 200, "Response"},
      {"DELETE /v1/responses/{id}", 200, "ResponseDeleted"},
      {"GET /v1/responses/{id}/input_items", 200, "ResponseInputItems"},
      {"POST /v1/files", 200, "File"},
      {"GET /v1/files", 200, "FileList"},
      {"GET /v1/files/{id}", 200, "File"},
      {"DELETE /v1/files/{id}", 200, "FileDeleted"},
      {"GET /v1/files/{id}/content", 200, "", "application/octet-stream"},
      {"POST /v1/images/generations", 200, "Images"},
      {"POST /v1/images/generations", 200, "HouseEvent", kEventStream, Form::kEvents},
      {"POST /v1/images/edits", 200, "Images"},
      {"POST /v1/images/edits", 200, "HouseEvent", kEventStream, Form::kEvents},
      {"POST /v1/audio/speech", 200, "", "audio/mpeg"},
      {"POST /v1/audio/transcriptions", 200, "Transcription"},
      {"POST /v1/audio/transcriptions", 200, "", "text/plain"},
      {"POST /v1/audio/translations", 200, "Transcription"},
      {"POST /v1/videos", 200, "Video"},
      {"GET /v1/videos", 200, "VideoList"},
      {"GET /v1/videos/{id}", 200, "Video"},
      {"DELETE /v1/videos/{id}", 200, "VideoDeleted"},
      {"GET /v1/videos/{id}/content", 200, "", "video/mp4"},
      {"POST /v1/batches", 200, "Batch"},
      {"GET /v1/batches", 200, "BatchList"},
      {"GET /v1/batches/{id}", 200, "Batch"},
      {"POST /v1/batches/{id}/cancel", 200, "Batch"},
      {"POST /v1/messages", 200, "AnthropicMessage"},
      {"POST /v1/messages", 200, "AnthropicEvent", kEventStream, Form::kEvents},
      {"POST /v1/messages/count_tokens", 200, "AnthropicTokenCount"},
      {"POST /api/chat", 200, "OllamaChat"},
      {"POST /api/chat", 200, "OllamaChat", kLineStream, Form::kLines},
      {"POST /api/generate", 200, "OllamaGenerate"},
      {"POST /api/generate", 200, "OllamaGenerate", kLineStream, Form::kLines},
      {"POST /api/embed", 200, "OllamaEmbeddings"},
      {"GET /api/tags", 200, "OllamaTags"},
      {"GET /api/ps", 200, "OllamaRunning"},
      {"POST /api/show", 200, "OllamaModel"},
      {"DELETE /api/delete", 200, "", kNoBody},
      {"POST /api/copy", 200, "", kNoBody},
      {"POST /api/pull", 200, "OllamaProgress"},
      {"POST /api/pull", 200, "OllamaProgress", kLineStream, Form::kLines},
      {"GET /api/version", 200, "Version"},
      {"GET /v1beta/models", 200, "GeminiModelList"},
      {"GET /v1beta/models/{model...}", 200, "GeminiModel"},
      {"GET /health", 200, "Health"},
      {"GET /ready", 200, "Ready"},
      {"GET /ready", 503, "Loading"},
      {"GET /version", 200, "Version"},
      {"GET /metrics", 200, "", "text/plain"},
      {"GET /openapi.json", 200, "OpenApi"},
      {"GET /page/config", 200, "PageConfig"},
      {"GET /page/conversations", 200, "PageSummaries"},
      {"POST /page/conversations", 201, "PageConversation"},
      {"GET /page/conversations/{id}", 200, "PageConversation"},
      {"PATCH /page/conversations/{id}", 200, "PageSummary"},
      {"DELETE /page/conversations/{id}", 204, "", kNoBody},
      {"POST /page/conversations/{id}/restore", 200, "PageSummary"},
      {"GET /page/folders", 200, "PageFolders"},
      {"POST /page/folders", 201, "PageFolder"},
      {"PATCH /page/folders/{id}", 200, "PageFolders"},
      {"DELETE /page/folders/{id}", 204, "", kNoBody},
      {"POST /page/conversations/{id}/ask", 201, "PageAsked"},
      {"POST /page/messages/{id}/answer", 201, "PageAnswer"},
      {"POST /page/messages/{id}/continue", 200, "PageAnswer"},
      {"POST /page/messages/{id}/stop", 200, "PageStopped"},
      {"GET /page/messages/{id}/stream", 200, "PageEvent", kEventStream, Form::kEvents},
      {"POST /page/estimate", 200, "PageEstimate"},
      {"GET /page/prompts", 200, "PagePrompts"},
      {"POST /page/prompts", 201, "PagePrompt"},
      {"PUT /page/prompts/{id}", 200, "PagePrompt"},
      {"DELETE /page/prompts/{id}", 204, "", kNoBody},
      {"GET /page/export", 200, "PageExport"},
      {"GET /page/export", 200, "", "text/markdown"},
      {"POST /page/import", 200, "PageImport"},
      {"GET /page/keys", 200, "KeyList"},
      {"POST /page/keys", 201, "NewKey"},
      {"PATCH /page/keys/{id}", 200, "Key"},
      {"DELETE /page/keys/{id}", 204, "", kNoBody},
      {"GET /page/budgets", 200, "PageBudgets"},
      {"PUT /page/budgets/{name}", 200, "PageBudget"},
      {"DELETE /page/budgets/{name}", 204, "", kNoBody},
      {"GET /page/known-models", 200, "KnownModels"},
      {"GET /page/houses", 200, "HouseList"},
      {"GET /page/upstreams", 200, "UpstreamList"},
      {"PUT /page/upstreams/{name}", 200, "Upstream"},
      {"PUT /page/upstreams/{name}", 201, "Upstream"},
      {"DELETE /page/upstreams/{name}", 204, "", kNoBody},
      {"GET /page/routes", 200, "NamedRouteList"},
      {"PUT /page/routes/{name}", 200, "NamedRoute"},
      {"PUT /page/routes/{name}", 201, "NamedRoute"},
      {"DELETE /page/routes/{name}", 204, "", kNoBody},
      {"GET /page/resolve", 200, "Resolved"},
      {"GET /page/usage", 200, "PageUsage"},
      {"GET /page/usage", 200, "", "text/csv"},
      {"GET /page/usage/rows", 200, "PageCalls"},
      {"GET /page/usage/rows", 200, "", "text/csv"},
      {"GET /page/catalog", 200, "PageCatalog"},
      {"POST /page/arena/battles", 200, "ArenaEvent", kEventStream, Form::kEvents},
      {"POST /page/arena/battles/{id}/vote", 200, "ArenaVoted"},
      {"POST /page/arena/battles/{id}/judge", 200, "ArenaJudged"},
      {"GET /page/arena/leaderboard", 200, "ArenaLeaderboard"},
      {"GET /page/arena/votes", 200, "ArenaVotes"},
      {"GET /page/arena/votes", 200, "", "text/csv"},
      {"POST /v1/compare", 200, "Comparison"},
      {"POST /v1/compare", 200, "ComparisonEvent", kEventStream, Form::kEvents},
      {"POST /v1/compare/summary", 200, "ChatCompletion"},
      {"POST /v1/compare/summary", 200, "ChatCompletionChunk", kEventStream, Form::kEvents},
      {"POST /v1/compare/{id}/columns/{column}/stop", 200, "ComparisonColumnName"},
      {"POST /v1/compare/{id}/columns/{column}/retry", 200, "ComparisonColumnName"},
      {"POST /page/compare", 200, "Comparison"},
      {"POST /page/compare", 200, "ComparisonEvent", kEventStream, Form::kEvents},
      {"POST /page/compare/summary", 200, "ChatCompletion"},
      {"POST /page/compare/summary", 200, "ChatCompletionChunk", kEventStream, Form::kEvents},
      {"POST /page/compare/keep", 201, "PageSummary"},
      {"POST /page/compare/{id}/columns/{column}/stop", 200, "ComparisonColumnName"},
      {"POST /page/compare/{id}/columns/{column}/retry", 200, "ComparisonColumnName"},
  };
  return all;
}

// POST /v1/moderations has no row: no model judges texts, so every answer is an error.

std::string_view error_type(Face face) {
  switch (face) {
    case Face::kAnthropic:
      return "AnthropicError";
    case Face::kOllama:
      return "OllamaError";
    case Face::kGemini:
      return "GeminiError";
    case Face::kOpenAi:
    case Face::kPage:
      break;
  }
  return "Error";
}

// What HTTP itself refuses, before a route is found, is told in OpenAI's words.
Schema error_of(Face face) {
  const std::string_view type = error_type(face);
  return type == "Error" ? named(type) : either({named(type), named("Error")});
}

std::string_view words_of(int status) {
  switch (status) {
    case 201:
      return "Made.";
    case 204:
      return "Done; there is nothing to say.";
    case 503:
      return "Not yet.";
    default:
      return "The answer.";
  }
}

// OpenAPI 3.1 has no word for the type of one event; later versions say itemSchema. Readers take `schema` for the whole
// stream or for one event: it says nothing.
Schema media_of(const Answer& answer) {
  Schema media = Schema::object();
  if (answer.form == Form::kWhole) {
    media["schema"] = answer.type.empty() ? text() : named(answer.type);
    return media;
  }
  media["schema"] = Schema::object();
  media["x-itemSchema"] = named(answer.type);
  return media;
}

// Several types of one status and media: any of them.
void add_media(Schema& content, const Answer& answer) {
  Schema media = media_of(answer);
  const std::string key(answer.media);
  if (!content.contains(key)) {
    content[key] = std::move(media);
    return;
  }
  Schema& there = content[key]["schema"];
  if (there.contains("anyOf"))
    there["anyOf"].push_back(media["schema"]);
  else
    there = either({there, media["schema"]});
}

void add_answer(Schema& responses, const Answer& answer) {
  Schema& response = responses[std::to_string(answer.status)];
  if (response.is_null()) response = {{"description", words_of(answer.status)}};
  if (!answer.media.empty()) add_media(response["content"], answer);
}

// generateContent and its sisters stand under two prefixes.
void add_gemini_answers(Schema& responses, std::string_view pattern) {
  if (pattern.ends_with(":generateContent")) add_answer(responses, {{}, 200, "GeminiResponse"});
  if (pattern.ends_with(":countTokens")) add_answer(responses, {{}, 200, "GeminiTokenCount"});
  if (!pattern.ends_with(":streamGenerateContent")) return;
  add_answer(responses, {{}, 200, "GeminiResponseList"});
  add_answer(responses, {{}, 200, "GeminiResponse", kEventStream, Form::kEvents});  // with ?alt=sse
}

void add_asset_answer(Schema& responses, std::string_view pattern) {
  for (const WebAsset& asset : web_assets()) {
    if (asset.path != pattern) continue;
    add_answer(responses, {{}, 200, "", asset.type.substr(0, asset.type.find(';'))});
    responses["304"] = {{"description", "The one that is kept is still right."}};
  }
}

}  // namespace

const std::vector<Answer>& answers() {
  static const std::vector<Answer> all = table();
  return all;
}

Schema responses_of(const Route& route) {
  const std::string key = route.method() + " " + route.pattern();
  Schema responses = Schema::object();
  for (const Answer& answer : answers()) {
    if (answer.route == key) add_answer(responses, answer);
  }
  if (route.face() == Face::kGemini) add_gemini_answers(responses, route.pattern());
  if (route.face() == Face::kPage) add_asset_answer(responses, route.pattern());
  Schema error = {{"description", "An error that names what is wrong."}};
  error["content"][std::string(kJson)]["schema"] = error_of(route.face());
  responses["default"] = std::move(error);
  return responses;
}

Schema named_types() {
  Schema types = Schema::object();
  for (const auto& make : {openai_types, openai_job_types, responses_types, anthropic_types, ollama_types, gemini_types,
                           compare_types, page_types, server_types}) {
    for (auto& [name, schema] : make()) types[name] = std::move(schema);
  }
  return types;
}

}  // namespace shenbi::server::openapi
