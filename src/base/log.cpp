#include "base/log.h"

#include <fmt/chrono.h>
#include <spdlog/cfg/helpers.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/redact.h"

namespace shenbi {
namespace {

constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::trace, spdlog::level::debug, spdlog::level::info,
                                                 spdlog::level::warn, spdlog::level::err};
constexpr std::string_view kLevelNames[] = {"trace", "debug", "info", "warning", "error"};

thread_local std::string current_request;

bool as_json() {
  static const bool json = [] {
    const char* format = std::getenv("SHENBI_LOG_FORMAT");
    return format && std::string_view(format) == "json";
  }();
  return json;
}

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = spdlog::stderr_color_mt("shenbi");
    const char* level = std::getenv("SHENBI_LOG");
    made->set_level(spdlog::level::from_str(level ? level : "warn"));
    made->set_pattern(as_json() ? "%v" : "%^%l%$: %v");
    return made;
  }();
  return *instance;
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n')
      out += "\\n";
    else if (byte < 0x20 || byte == 0x7F)
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out;
}

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// What every line in JSON begins with; no brace at the end.
std::string json_head(LogLevel level) {
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto ms = now.time_since_epoch().count() % 1000;
  return fmt::format(R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:03d}Z","level":"{}")",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)), ms, kLevelNames[static_cast<int>(level)]);
}

}  // namespace

bool log_wanted(LogLevel level) noexcept { return logger().should_log(kLevels[static_cast<int>(level)]); }

std::string log_text(LogLevel level, std::string_view message, bool json) {
  const std::string text = redacted(message);
  if (!json) return one_line(text) + (current_request.empty() ? "" : " (request " + current_request + ")");
  const std::string request = current_request.empty() ? "" : R"(,"request":)" + json_string(current_request);
  return json_head(level) + request + R"(,"message":)" + json_string(text) + '}';
}

std::string log_event_text(LogLevel level, std::string_view object, bool json) {
  const std::string text = redacted(object);
  if (!json || text.size() <= 2) return one_line(text);
  return json_head(level) + ',' + one_line(std::string_view(text).substr(1));
}

void log_line(LogLevel level, std::string_view text) {
  if (log_wanted(level)) logger().log(kLevels[static_cast<int>(level)], "{}", log_text(level, text, as_json()));
}

void log_event(LogLevel level, std::string_view object) {
  if (log_wanted(level)) logger().log(kLevels[static_cast<int>(level)], "{}", log_event_text(level, object, as_json()));
}

LogRequest::LogRequest(std::string id) : before_(std::exchange(current_request, std::move(id))) {}
LogRequest::~LogRequest() { current_request = std::move(before_); }

}  // namespace shenbi
