#pragma once
// What both doors of net::Client, the one of HTTP and the one of WebSockets, check and say about a request.

#include <curl/curl.h>

#include <chrono>
#include <string>
#include <string_view>

namespace shenbi::net {

std::string lower(std::string_view text);
std::string_view trimmed(std::string_view text);

/// Throws Error{kInvalidArgument}.
void check_method(const std::string& method);
/// Throws Error{kInvalidArgument} naming the header: no name, control characters, or one that frames the message.
void check_header(const std::string& name, const std::string& value);

/// Fills `url` with an http, https, ws or wss address. Throws Error{kInvalidArgument}; it never shows the address.
void read_url(CURLU* url, const std::string& text);
/// "" where it has none; a port that is not written is its scheme's.
std::string part_of(CURLU* url, CURLUPart which);

/// No time is no time to do anything in; beyond a year is for ever, and no sum overflows.
std::chrono::milliseconds bounded(std::chrono::milliseconds time);
/// "1.5 s"
std::string seconds_text(std::chrono::milliseconds time);

}  // namespace shenbi::net
