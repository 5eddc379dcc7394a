#pragma once
// Error answers, whatever shape their JSON has: OpenAI's {"error": {...}}, a bare string or {"code", "message"},
// Baidu's error_code, Tencent's Response.Error, MiniMax's base_resp, FastAPI's detail. Several houses send them with
// status 200, some in the middle of a stream.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "chat/asking.h"
#include "chat/error_facts.h"

namespace shenbi::chat {

/// The error that `json` reports, if it reports one. `status`: the HTTP status; below 400 the error's own code or words
/// say which (`of_code`: what the house's own codes mean), else 502.
std::optional<UpstreamError> error_in(const OrderedJson& json, int status, const std::map<std::string, int>& of_code);

/// The answer of a call that failed: its error, or its text where it is no JSON.
UpstreamError read_error(std::string_view house, int status, std::string_view body,
                         const std::map<std::string, int>& of_code);

/// What the error that `json` reports is about, and the house's own words for it, as far as they have the form of such
/// words; nothing of what is no error. `status`: the HTTP status.
ErrorFacts error_facts_in(const OrderedJson& json, int status);
/// Of the answer of a call that failed.
ErrorFacts read_error_facts(int status, std::string_view body);

/// Fit for a message and a log: valid UTF-8 in one line, no longer than a screen.
std::string one_line(std::string_view text);

}  // namespace shenbi::chat
