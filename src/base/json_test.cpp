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
    EXPECT_NE(std::string(error.what()).find("config.json: not valid JSON at byte 7"), std::string::npos)
        << error.what();
  }
}

TEST(Json, refuses_a_value_nested_deeper_than_the_bound_in_linear_time) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  EXPECT_THROW(parse_json(deep, "bomb"), Error);
}

TEST(Json, brackets_inside_strings_are_no_nesting) {
  EXPECT_EQ(parse_json("[\"" + std::string(100, '[') + "\\\"" + std::string(100, '{') + "\"]", "text").size(), 1u);
}

TEST(Json, reads_an_array_of_many_objects_in_linear_time) {
  std::string text = "[{}";
  for (int i = 1; i < 200'000; ++i) text += ",{}";  // quadratic took half a minute
  EXPECT_EQ(parse_json(text + "]", "listing").size(), 200'000u);
}

TEST(OrderedJson, keeps_the_order_of_keys_and_bounds_their_number) {
  EXPECT_EQ(parse_ordered_json(R"({"b": 1, "a": {"d": 2, "c": 3}})", "schema").dump(), R"({"b":1,"a":{"d":2,"c":3}})");
  std::string text = "{\"k\": [\"::::\"";
  for (int i = 0; i < 2000; ++i) text += ", {\"a\": 1}";  // many objects, few keys in each
  EXPECT_EQ(parse_ordered_json(text + "]}", "list")["k"].size(), 2001u);
  text = "{";
  for (int i = 0; i < 2000; ++i) text += "\"" + std::to_string(i) + "\": 1, ";
  EXPECT_THROW(parse_ordered_json(text + "\"x\": 1}", "bomb"), Error);
}

}  // namespace shenbi
