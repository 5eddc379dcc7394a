// Names that the operator gives, and rules, in front of houses that are played.

#include "gateway/routes.h"

#include <set>

#include "gateway/test_house.h"

namespace shenbi::gateway {
namespace {

using RoutesTest = RouterTest;

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_F(RoutesTest, an_alias_leads_to_an_upstream_and_says_so) {
  MockHouse house(says("hi"));
  add("office", house);
  routes.put({.name = "gpt-4o", .targets = {"office/m"}});
  Heard heard;
  router().chat(ask("gpt-4o"), heard.sink());
  EXPECT_EQ(heard.text(), "hi");
  const Event first = heard.wait().front();
  EXPECT_EQ(first.name, "office/m");
  EXPECT_EQ(first.id, "alias gpt-4o");
  EXPECT_EQ(attempts().at(0).wanted, "gpt-4o");
}

TEST_F(RoutesTest, a_group_asks_the_next_model_when_the_first_fails) {
  MockHouse bad(fails(503)), good(says("hi"));
  add("one", bad);
  add("two", good);
  routes.put({.name = "smart", .targets = {"one/m", "two/m", "tiny"}});
  Heard heard;
  router().chat(ask("smart"), heard.sink());
  EXPECT_EQ(heard.text(), "hi");
  EXPECT_EQ(heard.wait().front().name, "two/m");
  EXPECT_EQ(attempts().size(), 2u);
}

TEST_F(RoutesTest, a_group_in_turns_asks_each_of_its_models) {
  MockHouse house(says("hi"));
  add("office", house);
  routes.put({.name = "both", .targets = {"tiny", "office/m", "not-here"}, .order = "turns"});
  std::set<std::string> first;
  for (int i = 0; i < 64; ++i) first.insert(router().targets("both").front().model);
  EXPECT_EQ(first.size(), 2u);  // 2^-63 that one of two never comes first
}

TEST_F(RoutesTest, a_fast_group_asks_whom_it_has_not_measured_and_then_the_quicker_one) {
  MockHouse one(says("1")), two(says("2"));
  add("one", one);
  add("two", two);
  routes.put({.name = "quick", .targets = {"one/m", "two/m"}, .order = "fast"});
  for (int i = 0; i < 2; ++i) {
    Heard heard;
    router().chat(ask("quick"), heard.sink());
    heard.wait();
  }
  const auto tries = attempts();
  ASSERT_EQ(tries.size(), 2u);
  EXPECT_NE(tries[0].upstream, tries[1].upstream);
  const std::string quicker = tries[tries[0].first_token_s <= tries[1].first_token_s ? 0 : 1].upstream;
  EXPECT_EQ(router().targets("quick").front().upstream, quicker);
}

TEST_F(RoutesTest, a_route_may_hide_a_model_of_its_own_name) {
  MockHouse house(says("from the house"));
  add("office", house);
  routes.put({.name = "tiny", .targets = {"office/m", "tiny"}});
  const auto found = router().targets("tiny");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].upstream, "office");
  EXPECT_EQ(found[1].upstream, "local");
}

TEST_F(RoutesTest, a_rule_finds_models_wherever_they_are) {
  MockHouse house(says("hi"));
  add("office", house, {"m", "other"});
  EXPECT_EQ(router().targets("auto").size(), 3u);
  const auto found = router().targets("auto:office,other");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].model, "other");
  EXPECT_EQ(found[0].why, "auto:office,other: first of 1 among 3");
  EXPECT_NE(refusal([&] { router().targets("auto:office,vision"); }).find("'vision'"), std::string::npos);
}

TEST_F(RoutesTest, routes_are_kept_and_bad_ones_refused_by_their_field) {
  routes.put({.name = "a", .targets = {"x"}});
  EXPECT_EQ(Routes(database).list(), routes.list());
  EXPECT_TRUE(refusal([&] { routes.put({.name = "b", .targets = {"a"}}); }).starts_with("targets"));
  EXPECT_TRUE(refusal([&] { routes.put({.name = "b", .targets = {}}); }).starts_with("targets"));
  EXPECT_TRUE(refusal([&] { routes.put({.name = "b", .targets = {"auto:ctx>=many"}}); }).starts_with("model: auto"));
  EXPECT_TRUE(refusal([&] { routes.put({.name = "auto:b", .targets = {"x"}}); }).starts_with("name"));
  EXPECT_TRUE(refusal([&] { routes.put({.name = "b\n", .targets = {"x"}}); }).starts_with("name"));
  EXPECT_TRUE(refusal([&] { routes.put({.name = "b", .targets = {"x"}, .order = "best"}); }).starts_with("order"));
  EXPECT_TRUE(routes.remove("a"));
  EXPECT_FALSE(routes.remove("a"));
}

}  // namespace
}  // namespace shenbi::gateway
