// Anthropic's Messages: the answer. A stream is
//
//   message_start, ping, then for each block content_block_start, content_block_delta..., content_block_stop, and at
//   the end message_delta with the reason and the usage, and message_stop
//
// One block is open at a time: it closes when an event of another kind comes.

#include <algorithm>
#include <utility>

#include "chat/dialect_anthropic.h"
#include "chat/dialects/answer_parts.h"

namespace shenbi::chat {
namespace {

OrderedJson usage_json(const Usage& usage) {
  return {{"input_tokens", usage.prompt_tokens - std::min(usage.prompt_tokens, usage.cached_tokens)},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", usage.cached_tokens},
          {"output_tokens", usage.completion_tokens}};
}

OrderedJson stop_reason(Finish finish, const std::string& stop_string) {
  switch (finish) {
    case Finish::kLength:
      return "max_tokens";
    case Finish::kToolCalls:
      return "tool_use";
    case Finish::kContentFilter:
      return "refusal";
    default:
      return stop_string.empty() ? "end_turn" : "stop_sequence";
  }
}

OrderedJson text_or_null(const std::string& text) { return text.empty() ? OrderedJson() : OrderedJson(text); }

}  // namespace

struct AnthropicWriter::Impl {
  enum class Block { kNone, kText, kThinking, kCall };

  AnswerHead head;
  bool stream;
  Collected all;
  bool begun = false;
  Block open = Block::kNone;
  int index = -1;       ///< of the last block
  OrderedJson content;  ///< the blocks so far, where the answer is one object

  OrderedJson message(OrderedJson blocks, OrderedJson reason, OrderedJson sequence) const {
    return {{"id", head.id},
            {"type", "message"},
            {"role", "assistant"},
            {"model", head.model},
            {"content", std::move(blocks)},
            {"stop_reason", std::move(reason)},
            {"stop_sequence", std::move(sequence)},
            {"usage", usage_json(all.usage)}};
  }

  std::string begin() {
    if (std::exchange(begun, true)) return {};
    const OrderedJson json = {{"type", "message_start"}, {"message", message(OrderedJson::array(), nullptr, nullptr)}};
    return sse("message_start", json) + sse("ping", {{"type", "ping"}});
  }

  std::string close_block() {
    if (std::exchange(open, Block::kNone) == Block::kNone) return {};
    return sse("content_block_stop", {{"type", "content_block_stop"}, {"index", index}});
  }

  std::string open_block(Block kind, OrderedJson block) {
    std::string out = close_block();
    open = kind;
    ++index;
    return out + sse("content_block_start",
                     {{"type", "content_block_start"}, {"index", index}, {"content_block", std::move(block)}});
  }

  std::string delta(OrderedJson json) const {
    return sse("content_block_delta", {{"type", "content_block_delta"}, {"index", index}, {"delta", std::move(json)}});
  }

  std::string streamed(const Event& event) {
    std::string out = begin();
    switch (event.kind) {
      case Event::Kind::kText:
        if (open != Block::kText) out += open_block(Block::kText, {{"type", "text"}, {"text", ""}});
        return out + delta({{"type", "text_delta"}, {"text", event.text}});
      case Event::Kind::kThinking:
      case Event::Kind::kSignature:
        if (event.name == "redacted") {
          return out + open_block(Block::kThinking, {{"type", "redacted_thinking"}, {"data", event.text}}) +
                 close_block();
        }
        if (open != Block::kThinking) {
          out += open_block(Block::kThinking, {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}});
        }
        if (event.kind == Event::Kind::kSignature) {
          return out + delta({{"type", "signature_delta"}, {"signature", event.text}});
        }
        return out + delta({{"type", "thinking_delta"}, {"thinking", event.text}});
      case Event::Kind::kToolCall:
        return out +
               open_block(
                   Block::kCall,
                   {{"type", "tool_use"}, {"id", event.id}, {"name", event.name}, {"input", OrderedJson::object()}});
      case Event::Kind::kToolArguments:
        return out + delta({{"type", "input_json_delta"}, {"partial_json", event.text}});
      case Event::Kind::kFinish:
        return out + close_block() + ending();
      default:
        return out;
    }
  }

  std::string ending() const {
    OrderedJson json = {
        {"type", "message_delta"},
        {"delta",
         {{"stop_reason", stop_reason(all.finish, all.stop_string)}, {"stop_sequence", text_or_null(all.stop_string)}}},
        {"usage", usage_json(all.usage)}};
    if (!all.warnings.empty()) json["warnings"] = all.warnings;
    return sse("message_delta", json) + sse("message_stop", {{"type", "message_stop"}});
  }

  /// Blocks in the order in which they came.
  void collect(const Event& event) {
    const auto grow = [this](std::string_view type, OrderedJson empty, std::string_view key, const std::string& text) {
      if (content.empty() || content.back()["type"] != type) content.push_back(std::move(empty));
      OrderedJson& value = content.back()[std::string(key)];
      value = value.get<std::string>() + text;
    };
    switch (event.kind) {
      case Event::Kind::kText:
        return grow("text", {{"type", "text"}, {"text", ""}}, "text", event.text);
      case Event::Kind::kThinking:
        return grow("thinking", {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}}, "thinking", event.text);
      case Event::Kind::kSignature:
        if (event.name == "redacted") return content.push_back({{"type", "redacted_thinking"}, {"data", event.text}});
        return grow("thinking", {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}}, "signature", event.text);
      case Event::Kind::kToolCall:
        content.push_back({{"type", "tool_use"}, {"id", event.id}, {"name", event.name}, {"input", nullptr}});
        return;
      default:
        return;
    }
  }

  /// Calls with their arguments; those that were taken back are left out.
  OrderedJson blocks() const {
    OrderedJson list = OrderedJson::array();
    for (OrderedJson block : content) {
      if (block["type"] == "tool_use") {
        const auto call = std::find_if(all.calls.begin(), all.calls.end(),
                                       [&](const ToolCall& one) { return block["id"] == one.id; });
        if (call == all.calls.end()) continue;
        block["input"] = arguments_object(call->arguments);
      }
      list.push_back(std::move(block));
    }
    return list;
  }
};

AnthropicWriter::AnthropicWriter(const AnthropicMessages& call, AnswerHead head)
    : impl_(new Impl{.head = std::move(head), .stream = call.stream}) {
  impl_->content = OrderedJson::array();
}

AnthropicWriter::~AnthropicWriter() = default;

std::string AnthropicWriter::push(const Event& event, uint32_t) {
  Impl& impl = *impl_;
  if (impl.all.ended) return {};
  if (event.kind == Event::Kind::kError) {
    status_ = event.status;
    impl.all.add(event);
    return impl.stream ? "event: error\ndata: " + anthropic_error(event.status, event.text, facts_of(event)) + "\n\n"
                       : "";
  }
  const bool summed =
      event.kind == Event::Kind::kStart || event.kind == Event::Kind::kFinish || event.kind == Event::Kind::kWarning;
  if (impl.stream) {
    if (summed) impl.all.add(event);
    return impl.streamed(event);
  }
  impl.all.add(event);
  impl.collect(event);
  return {};
}

std::string AnthropicWriter::body() const {
  const Collected& all = impl_->all;
  if (all.finish == Finish::kError) return anthropic_error(all.error_status, all.error, all.facts);
  OrderedJson json =
      impl_->message(impl_->blocks(), stop_reason(all.finish, all.stop_string), text_or_null(all.stop_string));
  if (!all.warnings.empty()) json["warnings"] = all.warnings;
  return dumped(json);
}

bool AnthropicWriter::finished() const noexcept { return impl_->all.ended; }

std::string AnthropicWriter::ping() const { return sse("ping", {{"type", "ping"}}); }

std::string_view AnthropicWriter::content_type() const noexcept {
  return impl_->stream ? "text/event-stream" : "application/json";
}

std::string anthropic_token_count(uint64_t tokens) { return dumped({{"input_tokens", tokens}}); }

std::string anthropic_error(int status, std::string_view message, const ErrorFacts& facts) {
  std::string_view type = "api_error";
  if (status == 400 || status == 415 || status == 422) type = "invalid_request_error";
  if (status == 401) type = "authentication_error";
  if (status == 403) type = "permission_error";
  if (status == 404) type = "not_found_error";
  if (status == 413) type = "request_too_large";
  if (status == 429) type = "rate_limit_error";
  if (status == 503 || status == 529) type = "overloaded_error";
  if (!facts.type.empty()) type = facts.type;
  return dumped({{"type", "error"}, {"error", {{"type", type}, {"message", message}}}});
}

std::string anthropic_error(const Error& error) {
  return anthropic_error(code_info(error.code()).http_status, error.what(), facts_of(error));
}

}  // namespace shenbi::chat
