#include "base/log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace shenbi {
namespace {

TEST(Log, whatever_a_message_holds_it_stays_one_line) {
  const std::string_view hostile = "a\r\nerror: forged \x1b[31m\x7f";
  EXPECT_EQ(log_text(LogLevel::kWarn, hostile, false), "a\\x0d\\nerror: forged \\x1b[31m\\x7f");
  const std::string json = log_text(LogLevel::kWarn, hostile, true);
  EXPECT_EQ(json.find('\n'), std::string::npos);
  const auto read = nlohmann::json::parse(json);
  EXPECT_EQ(read["message"], hostile);
  EXPECT_EQ(read["level"], "warning");
}

TEST(Log, lines_in_json_hold_the_time_to_a_millisecond) {
  const auto read = nlohmann::json::parse(log_text(LogLevel::kInfo, "x", true));
  EXPECT_EQ(read["time"].get<std::string>().size(), std::string_view("2026-11-22T16:00:00.000Z").size());
}

TEST(Log, lines_of_a_request_name_it_until_it_is_left) {
  {
    const LogRequest request("req-1");
    EXPECT_EQ(log_text(LogLevel::kWarn, "x", false), "x (request req-1)");
    EXPECT_EQ(nlohmann::json::parse(log_text(LogLevel::kWarn, "x", true))["request"], "req-1");
  }
  EXPECT_EQ(log_text(LogLevel::kWarn, "x", false), "x");
}

TEST(Log, an_event_is_its_own_object_and_gets_time_and_level_in_json) {
  EXPECT_EQ(log_event_text(LogLevel::kInfo, R"({"status":200})", false), R"({"status":200})");
  const auto read = nlohmann::json::parse(log_event_text(LogLevel::kInfo, R"({"status":200})", true));
  EXPECT_EQ(read["status"], 200);
  EXPECT_EQ(read["level"], "info");
}

TEST(Log, bytes_that_are_no_text_do_not_break_a_line) {
  EXPECT_TRUE(nlohmann::json::accept(log_text(LogLevel::kInfo, "\xff", true)));
}

}  // namespace
}  // namespace shenbi
