#include "base/json.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace shenbi {

TEST(Json, names_the_source_and_the_byte_of_a_syntax_error) {
  try {
    parse_json("{\"a\": ]", "config.json");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kCorruptFile);
    EXPECT_NE(std::string(error.what()).find("config.json: not valid JSON at byte 7"), std::string::npos) << error.what();
  }
}

TEST(Json, refuses_a_value_nested_deeper_than_the_bound_in_linear_time) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  EXPECT_THROW(parse_json(deep, "bomb"), Error);
}

}  // namespace shenbi
