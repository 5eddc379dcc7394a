#pragma once
// Pieces that requests of several dialects are made of.

#include <string>
#include <string_view>

#include "chat/fields.h"
#include "chat/types.h"

namespace shenbi::chat {

Part text_part(std::string text);
Part thinking_part(std::string text, std::string signature = {});

/// Strict base64 (RFC 4648), with or without padding, in either alphabet; throws naming `field`.
std::string decoded_base64(std::string_view text, std::string_view field);
std::string encoded_base64(std::string_view bytes);

/// "data:image/png;base64,..." as a part; an address is refused.
Part part_of_uri(std::string_view uri, std::string_view field);
/// Bytes of a known type: image/*, audio/*, else a file.
Part part_of_bytes(std::string mime, std::string bytes);

/// A function's name as all the APIs allow it: letters, digits, '_', '-', '.' and ':', 1 to 128 characters.
std::string checked_name(std::string name, std::string_view field);
/// Parameters must be an object (a JSON Schema) or absent.
Tool make_tool(std::string name, std::string description, const OrderedJson* parameters, bool strict,
               std::string_view field);
void add_tool(ChatRequest& request, Tool tool, std::string_view field);
/// Leaves only the named tools; an unknown name is an Error.
void keep_tools(ChatRequest& request, const std::vector<std::string>& names, std::string_view field);

/// What no dialect allows: no messages, a choice of a tool that is not offered, an answer to no call.
void check_request(const ChatRequest& request, std::string_view messages_field);

/// "none" also turns thinking off; "xhigh" and "max" are "high", the most there is.
void set_effort(ChatRequest& request, const std::string& effort);

/// Empty stop strings would end every answer at once.
void set_stop(Generation& generation, std::vector<std::string> stop, std::string_view field);

/// Sampling that vLLM, llama.cpp and Ollama agree on under these names: top_k, min_p, typical_p, dry_*.
void read_local_sampling(Fields& fields, Sampling& sampling);

/// arguments as JSON text
std::string dumped(const OrderedJson& json);

}  // namespace shenbi::chat
