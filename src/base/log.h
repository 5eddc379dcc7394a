#pragma once
// Log lines go to stderr, never to stdout (answers are on stdout). Level from SHENBI_LOG (trace..error), default warn.
// SHENBI_LOG_FORMAT=json makes every line one JSON object: {"time", "level", "message"} or {"time", "level", ...} of an
// event. Whatever a message holds, it stays one line: control characters are escaped.

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace shenbi {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError };

bool log_wanted(LogLevel level) noexcept;
void log_line(LogLevel level, std::string_view text);
/// An event in fields: `object` is a JSON object on one line.
void log_event(LogLevel level, std::string_view object);

/// While it lives, lines of this thread name the request they belong to.
class LogRequest {
 public:
  explicit LogRequest(std::string id);
  ~LogRequest();
  LogRequest(const LogRequest&) = delete;
  LogRequest& operator=(const LogRequest&) = delete;

 private:
  std::string before_;
};

/// What stands on stderr for a message, without its level: for tests.
std::string log_text(LogLevel level, std::string_view message, bool json);
std::string log_event_text(LogLevel level, std::string_view object, bool json);

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
