// OpenAI's Responses: the answer. Output is a list of items: reasoning, message, function_call. A stream tells each
// item's life, and begins and ends with the response itself:
//
//   response.created, response.in_progress
//   response.output_item.added
//     response.content_part.added, response.output_text.delta..., response.output_text.done, response.content_part.done
//   response.output_item.done
//   response.completed | response.incomplete | response.failed

#include <fmt/format.h>

#include "chat/dialect_openai.h"
#include "chat/dialect_responses.h"
#include "chat/dialects/answer_parts.h"

namespace shenbi::chat {
namespace {

enum class ItemKind { kMessage, kReasoning, kCall };

struct Item {
  ItemKind kind;
  std::string id, text;
  std::string call_id, name;  ///< kCall; text holds the arguments
  std::string signature;      ///< kReasoning
  std::vector<TokenLogprob> logprobs;
  std::string_view status = "in_progress";

  OrderedJson part(bool with_text) const {
    if (kind == ItemKind::kReasoning) return {{"type", "reasoning_text"}, {"text", with_text ? text : ""}};
    return {{"type", "output_text"},
            {"annotations", OrderedJson::array()},
            {"logprobs", with_text ? openai_logprobs(logprobs) : OrderedJson::array()},
            {"text", with_text ? text : ""}};
  }

  OrderedJson json(bool begun = false) const {
    if (kind == ItemKind::kCall) {
      return {{"id", id},           {"type", "function_call"},
              {"status", status},   {"arguments", begun ? "" : text},
              {"call_id", call_id}, {"name", name}};
    }
    OrderedJson content = OrderedJson::array();
    if (!begun) content.push_back(part(true));
    if (kind == ItemKind::kMessage) {
      return {{"id", id}, {"type", "message"}, {"status", status}, {"role", "assistant"}, {"content", content}};
    }
    OrderedJson json = {
        {"id", id}, {"type", "reasoning"}, {"summary", OrderedJson::array()}, {"content", content}, {"status", status}};
    if (!signature.empty()) json["encrypted_content"] = signature;
    return json;
  }
};

}  // namespace

struct OpenAiResponsesWriter::Impl {
  AnswerHead head;
  OrderedJson echo;
  bool stream;
  Collected all;
  std::vector<Item> items;
  bool begun = false, open = false;
  uint64_t sequence = 0;

  OrderedJson response(std::string_view status) const {
    OrderedJson output = OrderedJson::array();
    for (const Item& item : items) {
      if (item.status == "in_progress" || item.status == "failed") continue;
      output.push_back(item.json());
    }
    OrderedJson json = {{"id", head.id},       {"object", "response"},       {"created_at", head.created},
                        {"status", status},    {"error", nullptr},           {"incomplete_details", nullptr},
                        {"model", head.model}, {"output", std::move(output)}};
    for (const auto& [key, value] : echo.items()) json[key] = value;
    json["usage"] = nullptr;
    if (status == "completed" || status == "incomplete") json["usage"] = usage();
    if (status == "incomplete") {
      json["incomplete_details"] = {
          {"reason", all.finish == Finish::kContentFilter ? "content_filter" : "max_output_tokens"}};
    }
    if (status == "failed") {
      std::string code = openai_error_code(all.error_status, all.facts);
      if (code.empty()) code = all.error_status == 429 ? "rate_limit_exceeded" : "server_error";
      json["error"] = {{"code", std::move(code)}, {"message", all.error}};
    }
    if (!all.warnings.empty()) json["warnings"] = all.warnings;
    return json;
  }

  OrderedJson usage() const {
    return {{"input_tokens", all.usage.prompt_tokens},
            {"input_tokens_details", {{"cached_tokens", all.usage.cached_tokens}, {"cache_write_tokens", 0}}},
            {"output_tokens", all.usage.completion_tokens},
            {"output_tokens_details", {{"reasoning_tokens", all.usage.reasoning_tokens}}},
            {"total_tokens", all.usage.prompt_tokens + all.usage.completion_tokens}};
  }

  std::string_view status() const {
    if (all.finish == Finish::kError) return "failed";
    return all.finish == Finish::kLength || all.finish == Finish::kContentFilter ? "incomplete" : "completed";
  }

  /// One event, numbered; nothing where the answer is one object.
  std::string event(std::string_view type, OrderedJson fields) {
    if (!stream) return {};
    OrderedJson json = {{"type", type}, {"sequence_number", sequence++}};
    for (auto& [key, value] : fields.items()) json[key] = std::move(value);
    return sse(type, json);
  }

  /// The same of the last item.
  std::string item_event(std::string_view type, OrderedJson fields = OrderedJson::object(), bool content = true) {
    OrderedJson json = {{"item_id", items.back().id}, {"output_index", items.size() - 1}};
    if (content) json["content_index"] = 0;
    for (auto& [key, value] : fields.items()) json[key] = std::move(value);
    return event(type, std::move(json));
  }

  std::string begin() {
    if (std::exchange(begun, true)) return {};
    std::string out = event("response.created", {{"response", response("in_progress")}});
    return out + event("response.in_progress", {{"response", response("in_progress")}});
  }

  std::string open_item(ItemKind kind) {
    std::string out = close_item("completed");
    open = true;
    const std::string_view prefix = kind == ItemKind::kMessage ? "msg" : kind == ItemKind::kCall ? "fc" : "rs";
    const size_t at = head.id.find('_');
    items.push_back({.kind = kind});
    items.back().id =
        fmt::format("{}_{}_{}", prefix, head.id.substr(at == std::string::npos ? 0 : at + 1), items.size() - 1);
    return out;
  }

  std::string tell_item() {
    Item& item = items.back();
    std::string out =
        event("response.output_item.added", {{"output_index", items.size() - 1}, {"item", item.json(true)}});
    if (item.kind != ItemKind::kCall) out += item_event("response.content_part.added", {{"part", item.part(false)}});
    return out;
  }

  std::string close_item(std::string_view status) {
    if (!std::exchange(open, false)) return {};
    Item& item = items.back();
    item.status = status;
    std::string out;
    if (item.kind == ItemKind::kCall) {
      out = item_event("response.function_call_arguments.done", {{"name", item.name}, {"arguments", item.text}}, false);
    } else if (item.kind == ItemKind::kMessage) {
      out =
          item_event("response.output_text.done", {{"text", item.text}, {"logprobs", openai_logprobs(item.logprobs)}});
    } else {
      out = item_event("response.reasoning_text.done", {{"text", item.text}});
    }
    if (item.kind != ItemKind::kCall) out += item_event("response.content_part.done", {{"part", item.part(true)}});
    return out + event("response.output_item.done", {{"output_index", items.size() - 1}, {"item", item.json()}});
  }

  std::string grow(ItemKind kind, const Event& given) {
    std::string out;
    if (!open || items.back().kind != kind) {
      out = open_item(kind);
      out += tell_item();
    }
    Item& item = items.back();
    item.text += given.text;
    if (kind == ItemKind::kReasoning) return out + item_event("response.reasoning_text.delta", {{"delta", given.text}});
    item.logprobs.insert(item.logprobs.end(), given.logprobs.begin(), given.logprobs.end());
    return out + item_event("response.output_text.delta",
                            {{"delta", given.text}, {"logprobs", openai_logprobs(given.logprobs)}});
  }

  std::string begin_call(const Event& given) {
    std::string out = open_item(ItemKind::kCall);
    items.back().call_id = given.id;
    items.back().name = given.name;
    return out + tell_item();
  }

  std::string take(const Event& given) {
    switch (given.kind) {
      case Event::Kind::kText:
        return grow(ItemKind::kMessage, given);
      case Event::Kind::kThinking:
        return grow(ItemKind::kReasoning, given);
      case Event::Kind::kSignature:
        if (open && items.back().kind == ItemKind::kReasoning) items.back().signature += given.text;
        return {};
      case Event::Kind::kToolCall:
        return begin_call(given);
      case Event::Kind::kToolArguments:
        if (!open || items.back().kind != ItemKind::kCall) return {};
        items.back().text += given.text;
        return item_event("response.function_call_arguments.delta", {{"delta", given.text}}, false);
      case Event::Kind::kWarning: {
        if (given.id.empty() || !open || items.back().call_id != given.id) return {};
        std::string out = close_item("incomplete");
        items.back().status = "failed";  // told in the stream, but no part of the whole
        return out;
      }
      case Event::Kind::kFinish: {
        std::string out = close_item(given.finish == Finish::kLength ? "incomplete" : "completed");
        return out + event(fmt::format("response.{}", status()), {{"response", response(status())}});
      }
      case Event::Kind::kError:
        return event("response.failed", {{"response", response("failed")}});
      default:
        return {};
    }
  }
};

OpenAiResponsesWriter::OpenAiResponsesWriter(const OpenAiResponses& call, AnswerHead head)
    : impl_(new Impl{std::move(head), call.echo, call.stream}) {}

OpenAiResponsesWriter::~OpenAiResponsesWriter() = default;

std::string OpenAiResponsesWriter::push(const Event& event, uint32_t) {
  Impl& impl = *impl_;
  if (impl.all.ended) return {};
  // The items hold the text; the rest is collected.
  const bool text = event.kind == Event::Kind::kText || event.kind == Event::Kind::kThinking ||
                    event.kind == Event::Kind::kToolCall || event.kind == Event::Kind::kToolArguments;
  if (!text) impl.all.add(event);
  if (event.kind == Event::Kind::kError) status_ = event.status;
  std::string out = impl.begin();
  return out + impl.take(event);
}

std::string OpenAiResponsesWriter::body() const {
  const Collected& all = impl_->all;
  if (all.finish == Finish::kError) return openai_error(all.error_status, all.error, all.facts);
  return dumped(impl_->response(impl_->status()));
}

bool OpenAiResponsesWriter::finished() const noexcept { return impl_->all.ended; }

std::string_view OpenAiResponsesWriter::content_type() const noexcept {
  return impl_->stream ? "text/event-stream" : "application/json";
}

}  // namespace shenbi::chat
