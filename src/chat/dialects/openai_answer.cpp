// OpenAI's Chat Completions: the answers. A stream is
//
//   chunk with the role; chunks with text, reasoning_content or tool_calls; one chunk with the finish_reason for each
//   choice; with include_usage a chunk without choices; [DONE]

#include <algorithm>
#include <utility>

#include "chat/dialect_openai.h"
#include "chat/dialects/answer_parts.h"

namespace shenbi::chat {

struct OpenAiChatWriter::Impl {
  AnswerHead head;
  bool stream, include_usage, logprobs;
  std::vector<Collected> choices;
  std::vector<bool> begun;
  bool failed = false;
  struct Frames {
    TextFrame text, thinking;
  };
  std::vector<Frames> frames = std::vector<Frames>(choices.size());
  std::string opening;  // of the first choice, made ahead

  OrderedJson frame(std::string_view object) const {
    return {{"id", head.id},
            {"object", object},
            {"created", head.created},
            {"model", head.model},
            {"system_fingerprint", "shenbi"}};
  }

  std::string chunk(uint32_t choice, OrderedJson delta, OrderedJson finish = nullptr, OrderedJson tokens = nullptr,
                    std::string_view warning = {}) const {
    OrderedJson json = frame("chat.completion.chunk");
    json["choices"] = OrderedJson::array({{{"index", choice},
                                           {"delta", std::move(delta)},
                                           {"logprobs", std::move(tokens)},
                                           {"finish_reason", std::move(finish)}}});
    if (include_usage) json["usage"] = nullptr;
    if (!warning.empty()) json["warnings"] = OrderedJson::array({warning});
    return sse(json);
  }

  OrderedJson token_list(const std::vector<TokenLogprob>& tokens) const {
    if (!logprobs) return nullptr;
    return {{"content", openai_logprobs(tokens)}, {"refusal", nullptr}};
  }

  std::string opening_of(uint32_t choice) {
    if (choice == 0 && !opening.empty()) return std::exchange(opening, {});
    return chunk(choice, {{"role", "assistant"}, {"content", ""}});
  }

  std::string text_delta(TextFrame& frame, const char* key, uint32_t choice, const std::string& text) const {
    if (!frame) frame = TextFrame(chunk(choice, {{key, ""}}), key);
    return frame.with(text);
  }

  std::string delta_of(const Event& event, uint32_t choice) {
    switch (event.kind) {
      case Event::Kind::kText:
        if (logprobs) return chunk(choice, {{"content", event.text}}, nullptr, token_list(event.logprobs));
        return text_delta(frames[choice].text, "content", choice, event.text);
      case Event::Kind::kThinking:
        return text_delta(frames[choice].thinking, "reasoning_content", choice, event.text);
      case Event::Kind::kToolCall: {
        const OrderedJson call = {{"index", event.index},
                                  {"id", event.id},
                                  {"type", "function"},
                                  {"function", {{"name", event.name}, {"arguments", ""}}}};
        return chunk(choice, {{"tool_calls", OrderedJson::array({call})}});
      }
      case Event::Kind::kToolArguments: {
        const OrderedJson call = {{"index", event.index}, {"function", {{"arguments", event.text}}}};
        return chunk(choice, {{"tool_calls", OrderedJson::array({call})}});
      }
      case Event::Kind::kWarning:
        return chunk(choice, OrderedJson::object(), nullptr, nullptr, event.text);
      case Event::Kind::kFinish:
        return chunk(choice, OrderedJson::object(), openai_finish(event.finish));
      default:
        return {};
    }
  }

  std::string usage_chunk() const {
    OrderedJson json = frame("chat.completion.chunk");
    json["choices"] = OrderedJson::array();
    json["usage"] = openai_usage(total_usage(choices));
    return sse(json);
  }

  OrderedJson choice_json(size_t i) const {
    const Collected& one = choices[i];
    OrderedJson message = {{"role", "assistant"}, {"content", one.text}, {"refusal", nullptr}};
    if (one.text.empty() && !one.calls.empty()) message["content"] = nullptr;
    if (!one.thinking.empty()) message["reasoning_content"] = one.thinking;
    for (const ToolCall& call : one.calls) {
      message["tool_calls"].push_back(
          {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
    }
    return {{"index", i},
            {"message", std::move(message)},
            {"logprobs", token_list(one.logprobs)},
            {"finish_reason", openai_finish(one.finish)}};
  }
};

OpenAiChatWriter::OpenAiChatWriter(const OpenAiChat& call, AnswerHead head)
    : impl_(new Impl{std::move(head), call.stream, call.include_usage, call.request.logprobs,
                     std::vector<Collected>(call.n), std::vector<bool>(call.n)}) {}

OpenAiChatWriter::~OpenAiChatWriter() = default;

void OpenAiChatWriter::prepare() {
  Impl& impl = *impl_;
  if (!impl.stream || impl.begun[0]) return;
  impl.opening = impl.opening_of(0);
  if (!impl.logprobs) impl.frames[0].text = TextFrame(impl.chunk(0, {{"content", ""}}), "content");
}

std::string OpenAiChatWriter::push(const Event& event, uint32_t choice) {
  Impl& impl = *impl_;
  Collected& one = impl.choices.at(choice);
  if (impl.failed || one.ended) return {};
  const bool summed = event.kind == Event::Kind::kStart || event.kind == Event::Kind::kFinish;
  if (!impl.stream || summed || event.kind == Event::Kind::kError) one.add(event);
  if (event.kind == Event::Kind::kError) {
    impl.failed = true;
    status_ = event.status;
    return impl.stream ? "data: " + openai_error(event.status, event.text, facts_of(event)) + "\n\ndata: [DONE]\n\n"
                       : "";
  }
  if (!impl.stream) return {};
  std::string out;
  if (!impl.begun[choice]) {
    impl.begun[choice] = true;
    out = impl.opening_of(choice);
  }
  out += impl.delta_of(event, choice);
  if (finished()) out += (impl.include_usage ? impl.usage_chunk() : "") + "data: [DONE]\n\n";
  return out;
}

std::string OpenAiChatWriter::body() const {
  const Impl& impl = *impl_;
  OrderedJson json = impl.frame("chat.completion");
  json["choices"] = OrderedJson::array();
  OrderedJson warnings = OrderedJson::array();
  for (size_t i = 0; i < impl.choices.size(); ++i) {
    const Collected& one = impl.choices[i];
    if (one.finish == Finish::kError) return openai_error(one.error_status, one.error, one.facts);
    json["choices"].push_back(impl.choice_json(i));
    for (const std::string& warning : one.warnings) warnings.push_back(warning);
  }
  json["usage"] = openai_usage(total_usage(impl.choices));
  if (!warnings.empty()) json["warnings"] = std::move(warnings);
  return dumped(json);
}

bool OpenAiChatWriter::finished() const noexcept {
  return impl_->failed ||
         std::all_of(impl_->choices.begin(), impl_->choices.end(), [](const Collected& one) { return one.ended; });
}

std::string_view OpenAiChatWriter::content_type() const noexcept {
  return impl_->stream ? "text/event-stream" : "application/json";
}

namespace {

// "ACCOUNT: its house's words (status 400)": no field of the caller's stands in front of these.
bool is_told_by_house(std::string_view message) {
  const size_t at = message.rfind(" (status ");
  return at != message.npos && message.ends_with(')');
}

// A house's own code is told as it is, unless clients know the reason by another word: then only OpenAI's words pass.
bool is_kept(const ErrorFacts& facts) {
  static constexpr std::string_view kOpenAis[] = {"content_filter", "content_policy_violation", "moderation_blocked",
                                                  "context_length_exceeded", "model_not_found"};
  if (facts.code.empty()) return false;
  return facts.reason == Reason::kUnsaid || std::ranges::find(kOpenAis, facts.code) != std::end(kOpenAis);
}

}  // namespace

std::string openai_error_code(int status, const ErrorFacts& facts) {
  if (facts.reason == Reason::kAccount) return {};  // of an upstream: nothing of it is the caller's
  if (is_kept(facts)) return facts.code;
  if (facts.reason != Reason::kUnsaid) return std::string(reason_word(facts.reason));
  if (status == 401) return "invalid_api_key";
  return status == 404 ? "not_found" : "";
}

std::string openai_error(int status, std::string_view message, const ErrorFacts& facts) {
  const bool ours = status == 400 && !is_told_by_house(message);
  const std::string_view field = ours ? field_of_message(message) : std::string_view();
  std::string_view type = "server_error";
  if (status == 401 || status == 403) type = "authentication_error";
  if (status == 429) type = "rate_limit_error";
  if (status == 400 || status == 404 || status == 413 || status == 415 || status == 422) type = "invalid_request_error";
  OrderedJson error = {{"message", message}, {"type", type}, {"param", nullptr}, {"code", nullptr}};
  if (!field.empty()) error["param"] = field;
  if (!facts.param.empty()) error["param"] = facts.param;
  if (!facts.type.empty() && (facts.code.empty() || is_kept(facts))) error["type"] = facts.type;
  if (const std::string code = openai_error_code(status, facts); !code.empty()) error["code"] = code;
  return dumped({{"error", std::move(error)}});
}

std::string openai_error(const Error& error) {
  return openai_error(code_info(error.code()).http_status, error.what(), facts_of(error));
}

}  // namespace shenbi::chat
