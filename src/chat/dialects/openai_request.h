#pragma once
// What Chat Completions, Completions and Responses read in the same way.

#include "chat/dialects/request_parts.h"

namespace shenbi::chat {

/// temperature, top_p, penalties, seed, logit_bias, and the extensions of local servers.
void read_openai_sampling(Fields& fields, Generation& generation);
/// guided_json, guided_regex, guided_choice, guided_grammar, grammar.
void read_guided(Fields& fields, Generation& generation);
/// {"type": "json_schema", ...}; `nested`: name and schema lie in "json_schema" (chat), else beside the type
/// (responses).
ResponseFormat read_openai_format(const OrderedJson& json, const std::string& field, bool nested);
/// {"name", "description", "parameters", "strict"} and what lies beside them.
Tool read_openai_function(Fields& fields, const std::string& field);
/// "auto", "none", "required" or an object; may take tools off the request (allowed_tools).
void read_openai_tool_choice(const OrderedJson& json, bool nested, ChatRequest& request);
/// {"include_usage", "include_obfuscation"}
bool read_stream_options(Fields& fields, bool stream);
/// A chat content part: text, image_url, input_audio, file, refusal.
Part read_openai_part(const OrderedJson& json, const std::string& field);

}  // namespace shenbi::chat
