#pragma once
// strftime for strftime_now: the C locale's names, local time, one directive at a time and each of bounded width.

#include <chrono>
#include <string>
#include <string_view>

namespace shenbi::chat::jinja {

/// Unknown directives stay as they are.
std::string format_time(std::chrono::system_clock::time_point when, std::string_view format);

}  // namespace shenbi::chat::jinja
