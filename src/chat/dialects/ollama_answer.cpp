// Ollama's answers: one JSON object a line, the last with done true and the counts; or that one with the whole text.

#include <fmt/format.h>

#include "chat/dialect_ollama.h"
#include "chat/dialects/answer_parts.h"

namespace shenbi::chat {
namespace {

OrderedJson call_json(const ToolCall& call) {
  return {{"id", call.id}, {"function", {{"name", call.name}, {"arguments", arguments_object(call.arguments)}}}};
}

}  // namespace

struct OllamaWriter::Impl {
  Route route;
  bool stream;
  AnswerHead head;
  Collected all;
  OllamaDurations durations;
  size_t calls_written = 0;

  OrderedJson frame() const { return {{"model", head.model}, {"created_at", rfc3339(head.created)}}; }

  void put_text(OrderedJson& json, const std::string& text, const std::string& thinking) const {
    if (route == Route::kGenerate) {
      json["response"] = text;
      if (!thinking.empty()) json["thinking"] = thinking;
      return;
    }
    json["message"] = {{"role", "assistant"}, {"content", text}};
    if (!thinking.empty()) json["message"]["thinking"] = thinking;
  }

  std::string line(const std::string& text, const std::string& thinking,
                   const std::vector<TokenLogprob>& tokens = {}) const {
    OrderedJson json = frame();
    put_text(json, text, thinking);
    json["done"] = false;
    if (!tokens.empty()) json["logprobs"] = openai_logprobs(tokens);
    return dumped(json) + "\n";
  }

  /// The calls that are whole: all that came, before anything but arguments follows.
  std::string call_lines() {
    std::string out;
    for (; calls_written < all.calls.size(); ++calls_written) {
      OrderedJson json = frame();
      put_text(json, "", "");
      json["message"]["tool_calls"] = OrderedJson::array({call_json(all.calls[calls_written])});
      json["done"] = false;
      out += dumped(json) + "\n";
    }
    return out;
  }

  OrderedJson last(const std::string& text, const std::string& thinking) const {
    OrderedJson json = frame();
    put_text(json, text, thinking);
    json["done"] = true;
    json["done_reason"] = all.finish == Finish::kLength ? "length" : "stop";
    json["total_duration"] = durations.total;
    json["load_duration"] = durations.load;
    json["prompt_eval_count"] = all.usage.prompt_tokens;
    json["prompt_eval_duration"] = durations.prompt;
    json["eval_count"] = all.usage.completion_tokens;
    json["eval_duration"] = durations.answer;
    if (!all.warnings.empty()) json["warnings"] = all.warnings;
    return json;
  }

  std::string streamed(const Event& event) {
    switch (event.kind) {
      case Event::Kind::kText:
        return call_lines() + line(event.text, "", event.logprobs);
      case Event::Kind::kThinking:
        return call_lines() + line("", event.text);
      case Event::Kind::kFinish:
        return call_lines() + dumped(last("", "")) + "\n";
      default:
        return {};
    }
  }
};

OllamaWriter::OllamaWriter(Route route, bool stream, AnswerHead head)
    : impl_(new Impl{route, stream, std::move(head)}) {}

OllamaWriter::~OllamaWriter() = default;

void OllamaWriter::set_durations(const OllamaDurations& durations) { impl_->durations = durations; }

std::string OllamaWriter::push(const Event& event, uint32_t) {
  Impl& impl = *impl_;
  if (impl.all.ended) return {};
  if (event.kind == Event::Kind::kError) {
    status_ = event.status;
    impl.all.add(event);
    return impl.stream ? ollama_error(event.text) + "\n" : "";
  }
  // A new call: the one before it is whole. (A call that is taken back was never written.)
  std::string out;
  if (impl.stream && event.kind == Event::Kind::kToolCall) out = impl.call_lines();
  const bool text = event.kind == Event::Kind::kText || event.kind == Event::Kind::kThinking;
  if (!impl.stream || !text) impl.all.add(event);
  return impl.stream ? out + impl.streamed(event) : out;
}

std::string OllamaWriter::body() const {
  const Collected& all = impl_->all;
  if (all.finish == Finish::kError) return ollama_error(all.error);
  OrderedJson json = impl_->last(all.text, all.thinking);
  for (const ToolCall& call : all.calls) json["message"]["tool_calls"].push_back(call_json(call));
  if (!all.logprobs.empty()) json["logprobs"] = openai_logprobs(all.logprobs);
  return dumped(json);
}

bool OllamaWriter::finished() const noexcept { return impl_->all.ended; }

std::string OllamaWriter::ping() const { return ""; }

std::string_view OllamaWriter::content_type() const noexcept {
  return impl_->stream ? "application/x-ndjson" : "application/json";
}

std::string ollama_loaded(OllamaWriter::Route route, const AnswerHead& head, bool unloaded) {
  OrderedJson json = {{"model", head.model}, {"created_at", rfc3339(head.created)}};
  if (route == OllamaWriter::Route::kGenerate) {
    json["response"] = "";
  } else {
    json["message"] = {{"role", "assistant"}, {"content", ""}};
  }
  json["done"] = true;
  json["done_reason"] = unloaded ? "unload" : "load";
  return dumped(json);
}

std::string ollama_error(std::string_view message) { return dumped({{"error", message}}); }

std::string ollama_error(const Error& error) { return ollama_error(error.what()); }

}  // namespace shenbi::chat
