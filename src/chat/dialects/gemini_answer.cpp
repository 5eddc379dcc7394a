// Google's generateContent: the answer. Each piece of a stream is a whole response with the parts that are new; the
// last has the finishReason. A call goes out when something else follows it: pieces of arguments are not in this
// dialect.

#include <algorithm>

#include "chat/dialect_gemini.h"
#include "chat/dialects/answer_parts.h"

namespace shenbi::chat {
namespace {

std::string_view finish_reason(Finish finish) {
  switch (finish) {
    case Finish::kLength:
      return "MAX_TOKENS";
    case Finish::kContentFilter:
      return "SAFETY";
    case Finish::kCancelled:
      return "OTHER";
    default:
      return "STOP";  // calls too
  }
}

OrderedJson call_part(const ToolCall& call) {
  return {{"functionCall", {{"id", call.id}, {"name", call.name}, {"args", arguments_object(call.arguments)}}}};
}

OrderedJson usage_metadata(const Usage& usage) {
  OrderedJson json = {
      {"promptTokenCount", usage.prompt_tokens},
      {"candidatesTokenCount", usage.completion_tokens - std::min(usage.completion_tokens, usage.reasoning_tokens)},
      {"totalTokenCount", usage.prompt_tokens + usage.completion_tokens}};
  if (usage.reasoning_tokens > 0) json["thoughtsTokenCount"] = usage.reasoning_tokens;
  if (usage.cached_tokens > 0) json["cachedContentTokenCount"] = usage.cached_tokens;
  return json;
}

OrderedJson logprobs_json(const std::vector<TokenLogprob>& tokens) {
  OrderedJson chosen = OrderedJson::array(), top = OrderedJson::array();
  const auto candidate = [](const std::string& bytes, int32_t id, double logprob) {
    return OrderedJson{{"token", token_text(bytes)}, {"tokenId", id}, {"logProbability", finite_logprob(logprob)}};
  };
  for (const TokenLogprob& token : tokens) {
    chosen.push_back(candidate(token.bytes, token.id, token.logprob));
    OrderedJson best = OrderedJson::array();
    for (size_t i = 0; i < token.top.size() && i < token.top_bytes.size(); ++i) {
      best.push_back(candidate(token.top_bytes[i], token.top[i].first, token.top[i].second));
    }
    OrderedJson entry = OrderedJson::object();
    entry["candidates"] = std::move(best);
    top.push_back(std::move(entry));
  }
  return {{"chosenCandidates", std::move(chosen)}, {"topCandidates", std::move(top)}};
}

}  // namespace

struct GeminiWriter::Impl {
  AnswerHead head;
  bool stream, sse, thoughts;
  std::vector<Collected> choices;
  std::vector<size_t> calls_written;
  bool failed = false, any = false;

  OrderedJson response(OrderedJson candidates, bool usage) const {
    OrderedJson json = {{"candidates", std::move(candidates)}, {"modelVersion", head.model}, {"responseId", head.id}};
    if (usage) json["usageMetadata"] = usage_metadata(total_usage(choices));
    return json;
  }

  static OrderedJson candidate(uint32_t choice, OrderedJson parts) {
    OrderedJson json = OrderedJson::object();
    json["content"] = {{"parts", std::move(parts)}, {"role", "model"}};
    json["index"] = choice;
    return json;
  }

  std::string framed(const OrderedJson& json) {
    if (sse) return shenbi::chat::sse(json);
    return (std::exchange(any, true) ? ",\r\n" : "[") + dumped(json);
  }

  std::string piece(uint32_t choice, OrderedJson parts, const std::vector<TokenLogprob>& tokens = {}) {
    OrderedJson one = candidate(choice, std::move(parts));
    if (!tokens.empty()) one["logprobsResult"] = logprobs_json(tokens);
    return framed(response(OrderedJson::array({std::move(one)}), true));
  }

  static OrderedJson list_of(OrderedJson part) {
    OrderedJson list = OrderedJson::array();
    list.push_back(std::move(part));
    return list;
  }

  std::string whole_calls(uint32_t choice) {
    std::string out;
    const Collected& one = choices[choice];
    for (; calls_written[choice] < one.calls.size(); ++calls_written[choice]) {
      out += piece(choice, list_of(call_part(one.calls[calls_written[choice]])));
    }
    return out;
  }

  std::string streamed(const Event& event, uint32_t choice) {
    switch (event.kind) {
      case Event::Kind::kText:
        return whole_calls(choice) + piece(choice, list_of({{"text", event.text}}), event.logprobs);
      case Event::Kind::kThinking:
        if (!thoughts) return whole_calls(choice);
        return whole_calls(choice) + piece(choice, list_of({{"text", event.text}, {"thought", true}}));
      case Event::Kind::kSignature:
        return whole_calls(choice) + piece(choice, list_of({{"text", ""}, {"thoughtSignature", event.text}}));
      case Event::Kind::kFinish: {
        OrderedJson one = candidate(choice, list_of({{"text", ""}}));
        one["finishReason"] = finish_reason(event.finish);
        OrderedJson json = response(list_of(std::move(one)), true);
        if (!choices[choice].warnings.empty()) json["warnings"] = choices[choice].warnings;
        return whole_calls(choice) + framed(json);
      }
      default:
        return {};
    }
  }

  OrderedJson whole(uint32_t choice) const {
    const Collected& all = choices[choice];
    OrderedJson parts = OrderedJson::array();
    if (thoughts && !all.thinking.empty()) parts.push_back({{"text", all.thinking}, {"thought", true}});
    if (!all.text.empty()) parts.push_back({{"text", all.text}});
    for (const ToolCall& call : all.calls) parts.push_back(call_part(call));
    if (parts.empty()) parts.push_back({{"text", ""}});
    if (!all.signature.empty()) parts[0]["thoughtSignature"] = all.signature;
    OrderedJson json = candidate(choice, std::move(parts));
    json["finishReason"] = finish_reason(all.finish);
    if (!all.logprobs.empty()) {
      json["logprobsResult"] = logprobs_json(all.logprobs);
      double sum = 0;
      for (const TokenLogprob& token : all.logprobs) sum += finite_logprob(token.logprob);
      json["avgLogprobs"] = sum / static_cast<double>(all.logprobs.size());
    }
    return json;
  }
};

GeminiWriter::GeminiWriter(const GeminiGenerate& call, AnswerHead head)
    : impl_(new Impl{std::move(head), call.stream, call.sse, call.include_thoughts, std::vector<Collected>(call.n),
                     std::vector<size_t>(call.n)}) {}

GeminiWriter::~GeminiWriter() = default;

std::string GeminiWriter::push(const Event& event, uint32_t choice) {
  Impl& impl = *impl_;
  Collected& one = impl.choices.at(choice);
  if (impl.failed || one.ended) return {};
  if (event.kind == Event::Kind::kError) {
    impl.failed = true;
    status_ = event.status;
    one.add(event);
    if (!impl.stream) return {};
    const std::string error = gemini_error(event.status, event.text, facts_of(event));
    if (impl.sse) return "data: " + error + "\n\n";
    return (std::exchange(impl.any, true) ? ",\r\n" : "[") + error + "]";
  }
  std::string out;
  if (impl.stream && event.kind == Event::Kind::kToolCall) out = impl.whole_calls(choice);
  const bool text = event.kind == Event::Kind::kText || event.kind == Event::Kind::kThinking;
  if (!impl.stream || !text) one.add(event);
  if (!impl.stream) return {};
  out += impl.streamed(event, choice);
  if (!impl.sse && finished()) out += "]";
  return out;
}

std::string GeminiWriter::body() const {
  OrderedJson candidates = OrderedJson::array(), warnings = OrderedJson::array();
  for (uint32_t i = 0; i < impl_->choices.size(); ++i) {
    const Collected& one = impl_->choices[i];
    if (one.finish == Finish::kError) return gemini_error(one.error_status, one.error, one.facts);
    candidates.push_back(impl_->whole(i));
    for (const std::string& warning : one.warnings) warnings.push_back(warning);
  }
  OrderedJson json = impl_->response(std::move(candidates), true);
  if (!warnings.empty()) json["warnings"] = std::move(warnings);
  return dumped(json);
}

bool GeminiWriter::finished() const noexcept {
  return impl_->failed ||
         std::all_of(impl_->choices.begin(), impl_->choices.end(), [](const Collected& one) { return one.ended; });
}

std::string GeminiWriter::ping() const { return impl_->sse ? ": ping\n\n" : ""; }

std::string_view GeminiWriter::content_type() const noexcept {
  return impl_->stream && impl_->sse ? "text/event-stream" : "application/json";
}

std::string gemini_token_count(uint64_t tokens) { return dumped({{"totalTokens", tokens}}); }

namespace {

// In the form of Google's reasons: letters of upper case, digits and '_'.
std::string reason_in_capitals(const ErrorFacts& facts) {
  if (facts.reason == Reason::kAccount) return {};
  std::string reason = facts.code.empty() ? std::string(reason_word(facts.reason)) : facts.code;
  for (char& c : reason) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return reason;
}

}  // namespace

std::string gemini_error(int status, std::string_view message, const ErrorFacts& facts) {
  std::string_view name = "INTERNAL";
  if (status == 400 || status == 413 || status == 415 || status == 422) name = "INVALID_ARGUMENT";
  if (status == 401) name = "UNAUTHENTICATED";
  if (status == 403) name = "PERMISSION_DENIED";
  if (status == 404) name = "NOT_FOUND";
  if (status == 429) name = "RESOURCE_EXHAUSTED";
  if (status == 501) name = "UNIMPLEMENTED";
  if (status == 503) name = "UNAVAILABLE";
  if (!facts.type.empty()) name = facts.type;
  OrderedJson error = {{"code", status}, {"message", message}, {"status", name}};
  if (std::string reason = reason_in_capitals(facts); !reason.empty()) {
    const OrderedJson info = {
        {"@type", "type.googleapis.com/google.rpc.ErrorInfo"}, {"reason", std::move(reason)}, {"domain", "shenbi"}};
    error["details"] = OrderedJson::array({info});
  }
  return dumped({{"error", std::move(error)}});
}

std::string gemini_error(const Error& error) {
  return gemini_error(code_info(error.code()).http_status, error.what(), facts_of(error));
}

}  // namespace shenbi::chat
