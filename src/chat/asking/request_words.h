#pragma once
// What the request writers of all dialects have in common: how a thing that cannot be said is refused, and how parts
// are written.

#include <string>
#include <string_view>

#include "chat/asking.h"
#include "chat/dialects/request_parts.h"

namespace shenbi::chat {

/// "min_p: OpenAI has no such setting"
[[noreturn]] void no_such_setting(std::string_view field, std::string_view house);

/// Refuses each sampling setting beyond temperature, top_p, top_k, seed, the penalties and logit_bias, and the other
/// things that only servers of local models know: stop_token_ids, ignore_eos, priority, template arguments.
void refuse_local_settings(const Generation& generation, std::string_view house);
void refuse_local_settings(const ChatRequest& request, std::string_view house);

/// Refuses what the small dialects of some houses have no word for: seed, penalties, logit_bias, logprobs, schemas and
/// other forms of the answer (but "json_object"), degrees of thinking, going on with a message.
void refuse_large_settings(const ChatRequest& request, std::string_view house);

/// "data:image/png;base64,..."
std::string data_uri(const Part& part);
/// "messages[2].content[1]"
std::string part_field(size_t message, size_t part);

/// Arguments of a call as an object; refused by name if they are none: the dialect has no other form for them.
OrderedJson needed_arguments(const ToolCall& call, std::string_view field);

/// The name of the function that a tool message answers: its own, or that of the call.
std::string answered_name(const std::vector<Message>& messages, size_t index);

}  // namespace shenbi::chat
