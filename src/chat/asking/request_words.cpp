#include "chat/asking/request_words.h"

#include <fmt/format.h>

namespace shenbi::chat {

void no_such_setting(std::string_view field, std::string_view house) {
  refuse_field(field, fmt::format("{} has no such setting", house));
}

void refuse_local_settings(const Generation& generation, std::string_view house) {
  const Sampling& sampling = generation.sampling;
  const std::pair<const char*, bool> given[] = {{"min_p", sampling.min_p.has_value()},
                                                {"typical_p", sampling.typical_p.has_value()},
                                                {"repetition_penalty", sampling.repetition_penalty.has_value()},
                                                {"dry_multiplier", sampling.dry_multiplier.has_value()},
                                                {"dry_base", sampling.dry_base.has_value()},
                                                {"dry_allowed_length", sampling.dry_allowed_length.has_value()},
                                                {"dry_penalty_last_n", sampling.dry_last_n.has_value()},
                                                {"stop_token_ids", !generation.stop_ids.empty()},
                                                {"ignore_eos", generation.ignore_end},
                                                {"priority", generation.priority != 0}};
  for (const auto& [field, is_given] : given) {
    if (is_given) no_such_setting(field, house);
  }
}

void refuse_local_settings(const ChatRequest& request, std::string_view house) {
  refuse_local_settings(static_cast<const Generation&>(request), house);
  if (request.template_arguments.is_object() && !request.template_arguments.empty()) {
    no_such_setting("chat_template_kwargs", house);
  }
}

void refuse_large_settings(const ChatRequest& request, std::string_view house) {
  const Sampling& sampling = request.sampling;
  const ResponseFormat::Kind form = request.format.kind;
  const bool shaped = form != ResponseFormat::Kind::kText && form != ResponseFormat::Kind::kJsonObject;
  const std::pair<const char*, bool> given[] = {{"seed", sampling.seed.has_value()},
                                                {"frequency_penalty", sampling.frequency_penalty.has_value()},
                                                {"presence_penalty", sampling.presence_penalty.has_value()},
                                                {"logit_bias", !sampling.logit_bias.empty()},
                                                {"logprobs", request.logprobs},
                                                {"response_format", shaped},
                                                {"reasoning_effort", !request.reasoning_effort.empty()},
                                                {"thinking", request.thinking.has_value()},
                                                {"continue_final_message", request.continue_last}};
  for (const auto& [field, is_given] : given) {
    if (is_given) no_such_setting(field, house);
  }
}

std::string data_uri(const Part& part) { return "data:" + part.mime + ";base64," + encoded_base64(part.data); }

std::string part_field(size_t message, size_t part) { return fmt::format("messages[{}].content[{}]", message, part); }

OrderedJson needed_arguments(const ToolCall& call, std::string_view field) {
  if (call.arguments.empty()) return OrderedJson::object();
  OrderedJson json = OrderedJson::parse(call.arguments, nullptr, false);
  if (!json.is_object()) refuse_field(field, "arguments must be a JSON object in this dialect");
  return json;
}

std::string answered_name(const std::vector<Message>& messages, size_t index) {
  if (!messages[index].name.empty()) return messages[index].name;
  for (size_t i = index; i-- > 0;) {
    for (const ToolCall& call : messages[i].tool_calls) {
      if (call.id == messages[index].tool_call_id) return call.name;
    }
  }
  refuse_field(fmt::format("messages[{}].tool_call_id", index), "the answer follows no such call");
}

}  // namespace shenbi::chat
