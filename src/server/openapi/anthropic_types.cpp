// Anthropic's Messages.

#include "server/openapi/types.h"

namespace shenbi::server::openapi {
namespace {

Schema stop_reason() { return word({"end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"}); }

Schema block() {
  return either({object({{"type", word({"text"})}, {"text", text()}}),
                 object({{"type", word({"thinking"})}, {"thinking", text()}, {"signature", text()}}),
                 object({{"type", word({"redacted_thinking"})}, {"data", text()}}),
                 object({{"type", word({"tool_use"})}, {"id", text()}, {"name", text()}, {"input", map(anything())}})});
}

Schema anthropic_message() {
  return object({{"id", text()},
                 {"type", word({"message"})},
                 {"role", word({"assistant"})},
                 {"model", text()},
                 {"content", list(named("AnthropicBlock"))},
                 {"stop_reason", or_null(stop_reason())},
                 {"stop_sequence", or_null(text())},
                 {"usage", named("AnthropicUsage")}},
                {{"warnings", list(text())}});
}

Schema delta() {
  return either({object({{"type", word({"text_delta"})}, {"text", text()}}),
                 object({{"type", word({"thinking_delta"})}, {"thinking", text()}}),
                 object({{"type", word({"signature_delta"})}, {"signature", text()}}),
                 object({{"type", word({"input_json_delta"})}, {"partial_json", text()}})});
}

Schema anthropic_events() {
  const Schema end = object({{"stop_reason", stop_reason()}, {"stop_sequence", or_null(text())}});
  return either(
      {object({{"type", word({"message_start"})}, {"message", named("AnthropicMessage")}}),
       object({{"type", word({"ping", "message_stop"})}}),
       object(
           {{"type", word({"content_block_start"})}, {"index", count()}, {"content_block", named("AnthropicBlock")}}),
       object({{"type", word({"content_block_delta"})}, {"index", count()}, {"delta", delta()}}),
       object({{"type", word({"content_block_stop"})}, {"index", count()}}),
       object({{"type", word({"message_delta"})}, {"delta", end}, {"usage", named("AnthropicUsage")}},
              {{"warnings", list(text())}}),
       named("AnthropicError")});
}

Schema anthropic_error() {
  // `type` is ours, or the word of the house that the request was passed on to.
  return object({{"type", word({"error"})}, {"error", object({{"type", text()}, {"message", text()}})}});
}

Schema anthropic_model() {
  return object({{"type", word({"model"})},
                 {"id", text()},
                 {"display_name", text()},
                 {"created_at", text()},
                 {"lifecycle", word({"active"})},
                 {"max_input_tokens", count()},
                 {"max_tokens", count()}});
}

}  // namespace

Types anthropic_types() {
  return {{"AnthropicError", anthropic_error()},
          {"AnthropicUsage", object({{"input_tokens", count()},
                                     {"cache_creation_input_tokens", count()},
                                     {"cache_read_input_tokens", count()},
                                     {"output_tokens", count()}})},
          {"AnthropicBlock", block()},
          {"AnthropicMessage", anthropic_message()},
          {"AnthropicEvent", anthropic_events()},
          {"AnthropicTokenCount", object({{"input_tokens", count()}})},
          {"AnthropicModel", anthropic_model()},
          {"AnthropicModelList", object({{"data", list(named("AnthropicModel"))},
                                         {"first_id", or_null(text())},
                                         {"last_id", or_null(text())},
                                         {"has_more", boolean()}})}};
}

}  // namespace shenbi::server::openapi
