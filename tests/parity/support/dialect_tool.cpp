// A server's answer without a server, for the parity scripts: one JSON request a line on stdin, one JSON answer a line
// on stdout. The body is parsed in its dialect, and the events given are written in it.
//
//   {"dialect": "openai", "body": "{...}", "events": [{"kind": "text", "text": "Hi"}, ...], "model": "m", "stream":
//   true}
//     ->  {"status": 200, "type": "text/event-stream", "body": "data: ..."}

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "chat/dialect_anthropic.h"
#include "chat/dialect_gemini.h"
#include "chat/dialect_ollama.h"
#include "chat/dialect_openai.h"
#include "chat/dialect_responses.h"

namespace {

using namespace shenbi::chat;
using Json = nlohmann::ordered_json;

Event event_of(const Json& json) {
  static const std::vector<std::string> kinds = {"queued",    "start",  "text",    "thinking", "signature", "call",
                                                 "arguments", "prompt", "warning", "finish",   "error"};
  static const std::vector<std::string> finishes = {"stop",           "length",    "tool_calls",
                                                    "content_filter", "cancelled", "error"};
  Event event;
  event.kind = static_cast<Event::Kind>(std::find(kinds.begin(), kinds.end(), json["kind"].get<std::string>()) - kinds.begin());
  event.text = json.value("text", "");
  event.index = json.value("index", 0u);
  event.id = json.value("id", "");
  event.name = json.value("name", "");
  event.finish =
      static_cast<Finish>(std::find(finishes.begin(), finishes.end(), json.value("finish", "stop")) - finishes.begin());
  event.stop_string = json.value("stop_string", "");
  event.status = json.value("status", 500);
  if (json.contains("usage")) event.usage = {json["usage"][0], json["usage"][1], json["usage"][2], json["usage"][3]};
  for (const Json& token : json.value("logprobs", Json::array())) {
    event.logprobs.push_back({7, token[0], token[1], {{7, token[1]}, {8, -2.5}}, {token[0], "?"}});
  }
  return event;
}

struct Answering {
  std::unique_ptr<AnswerWriter> writer;
  uint32_t n = 1;
  bool stream = false;
};

Answering begin(const Json& request) {
  const std::string dialect = request["dialect"], body = request["body"], model = request.value("model", "");
  const bool stream = request.value("stream", false);
  AnswerHead head{"id_1", model, 1753900000};
  if (dialect == "openai") {
    const auto call = parse_openai_chat(body);
    head.model = call.request.model;
    return {std::make_unique<OpenAiChatWriter>(call, head), call.n, call.stream};
  }
  if (dialect == "completion") {
    const auto call = parse_openai_completion(body);
    head.model = call.requests[0].model;
    return {std::make_unique<OpenAiCompletionWriter>(call, head), call.n * static_cast<uint32_t>(call.requests.size()),
            call.stream};
  }
  if (dialect == "responses") {
    const auto call = parse_openai_responses(body);
    head.model = call.request.model;
    return {std::make_unique<OpenAiResponsesWriter>(call, head), 1, call.stream};
  }
  if (dialect == "anthropic") {
    const auto call = parse_anthropic_messages(body);
    head.model = call.request.model;
    return {std::make_unique<AnthropicWriter>(call, head), 1, call.stream};
  }
  if (dialect == "gemini") {
    const auto call = parse_gemini_generate(body, model, stream, request.value("sse", true));
    return {std::make_unique<GeminiWriter>(call, head), call.n, stream};
  }
  if (dialect == "ollama") {
    const auto call = parse_ollama_chat(body);
    head.model = call.request.model;
    return {std::make_unique<OllamaWriter>(OllamaWriter::Route::kChat, call.stream, head), 1, call.stream};
  }
  const auto call = parse_ollama_generate(body);
  head.model = call.chat.model;
  return {std::make_unique<OllamaWriter>(OllamaWriter::Route::kGenerate, call.stream, head), 1, call.stream};
}

Json error_of(const std::string& dialect, const shenbi::Error& error) {
  const int status = shenbi::code_info(error.code()).http_status;
  std::string body = openai_error(error);
  if (dialect == "anthropic") body = anthropic_error(error);
  if (dialect == "gemini") body = gemini_error(error);
  if (dialect == "ollama" || dialect == "generate") body = ollama_error(error);
  return {{"status", status}, {"type", "application/json"}, {"body", body}};
}

Json answer(const Json& request) {
  try {
    const Answering answering = begin(request);
    AnswerWriter& writer = *answering.writer;
    std::string out;
    for (const Json& event : request["events"]) {
      for (uint32_t choice = 0; choice < answering.n; ++choice) out += writer.push(event_of(event), choice);
    }
    const std::string type(writer.content_type());
    if (!answering.stream) return {{"status", writer.status()}, {"type", type}, {"body", writer.body()}};
    return {{"status", 200}, {"type", type}, {"body", out}};
  } catch (const shenbi::Error& error) {
    return error_of(request["dialect"], error);
  }
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << answer(Json::parse(line)).dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
  }
}
