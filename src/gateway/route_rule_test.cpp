#include "gateway/route_rule.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace shenbi::gateway {
namespace {

constexpr catalog::PicoUsd kPerMillion = 1'000'000;  // a dollar a million tokens is a millionth of a dollar each

Candidate model(std::string id, double in, double out, std::optional<double> first = std::nullopt, bool sees = false) {
  Candidate candidate{.model = {.id = std::move(id), .input = {"text"}, .output = {"text"}}, .first_token_s = first};
  if (sees) candidate.model.input.push_back("image");
  candidate.model.context = sees ? 200'000 : 32'000;
  if (in > 0) {
    catalog::Price price;
    price.tokens.input = static_cast<catalog::PicoUsd>(in * kPerMillion);
    price.tokens.output = static_cast<catalog::PicoUsd>(out * kPerMillion);
    candidate.model.prices.push_back(price);
  }
  return candidate;
}

std::string order(std::string_view name, std::vector<Candidate> candidates) {
  std::string ids;
  for (const Candidate& candidate : chosen(read_rule(name), std::move(candidates)))
    ids += (ids.empty() ? "" : " ") + candidate.model.id;
  return ids;
}

const std::vector<Candidate> kModels = {model("dear", 5, 15, 0.2, true), model("cheap", 0.1, 0.4, 0.9),
                                        model("sees", 0.3, 0.9, 0.5, true), model("unknown", 0, 0, std::nullopt, true)};

TEST(RouteRule, a_name_is_a_rule_by_its_first_word) {
  EXPECT_TRUE(is_rule("auto"));
  EXPECT_TRUE(is_rule("auto:vision"));
  EXPECT_FALSE(is_rule("automatic"));
  EXPECT_FALSE(is_rule("office/auto"));
}

TEST(RouteRule, conditions_of_the_catalog_leave_some_and_the_cheapest_is_first) {
  EXPECT_EQ(order("auto", kModels), "cheap sees dear unknown");
  EXPECT_EQ(order("auto:vision,ctx>=100k,out<=1$/M,fast", kModels), "sees");
  EXPECT_EQ(order("auto:vision", kModels), "sees dear unknown");
}

TEST(RouteRule, fast_is_by_the_first_token_and_what_was_never_measured_is_tried) {
  EXPECT_EQ(order("auto:fast", kModels), "unknown dear sees cheap");
  EXPECT_EQ(order("auto: ctx>=100k , fast", kModels), "unknown dear sees");
}

TEST(RouteRule, the_word_that_leaves_nothing_is_named) {
  try {
    order("auto:vision,ctx>=100k,video,fast", kModels);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kNotFound);
    EXPECT_NE(std::string(error.what()).find("'video'"), std::string::npos) << error.what();
  }
}

TEST(RouteRule, a_word_that_cannot_be_read_is_named) {
  for (const char* name : {"auto:ctx>=many", "auto:out<=1apple", "auto:speed>=3", "auto:colour=red"}) {
    try {
      read_rule(name);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
      EXPECT_NE(std::string(error.what()).find(std::string(name).substr(5)), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace shenbi::gateway
