#pragma once
// Log lines go to stderr, never to stdout (answers are on stdout). Level from SHENBI_LOG (trace..error), default warn.

#include <fmt/format.h>

#include <string_view>

namespace shenbi {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError };

void log_line(LogLevel level, std::string_view text);

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warn(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::kWarn, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace shenbi
