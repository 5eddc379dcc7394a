#include "gateway/local_grammar.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace shenbi::gateway {
namespace {

using chat::OrderedJson;

chat::ChatRequest asking_for(chat::ResponseFormat format) {
  chat::ChatRequest request;
  request.format = std::move(format);
  return request;
}

const chat::ToolSyntax& hermes() { return *chat::tool_syntax("hermes"); }

const OrderedJson kSchema = OrderedJson::parse(
    R"({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": false})");

TEST(LocalGrammar, free_text_has_none) {
  EXPECT_EQ(grammar_for(chat::ChatRequest(), hermes(), false), nullptr);
  EXPECT_EQ(grammar_for(chat::ChatRequest(), hermes(), true), nullptr);
}

TEST(LocalGrammar, thinking_stays_free_and_the_schema_rules_what_follows) {
  const auto request = asking_for({.kind = chat::ResponseFormat::Kind::kJsonSchema, .schema = kSchema});
  const auto grammar = grammar_for(request, hermes(), true);
  ASSERT_NE(grammar, nullptr);
  EXPECT_TRUE(grammar->matches("hm, root </thin </th</think>\n\n{\"a\": 1}"));
  EXPECT_TRUE(grammar->matches("</think>{\"a\": 1}"));
  EXPECT_TRUE(grammar->matches("神笔 < </think{ \"</think>{\"a\": 1}"));
  EXPECT_FALSE(grammar->matches("{\"a\": 1}"));
  EXPECT_FALSE(grammar->matches("hm</think>free"));
  EXPECT_FALSE(grammar->matches("hm</think>{\"a\": \"x\"}"));
}

TEST(LocalGrammar, a_choice_and_a_grammar_follow_thinking_too) {
  const auto choice = grammar_for(
      asking_for({.kind = chat::ResponseFormat::Kind::kChoice, .choices = {"yes \"", "no\\"}}), hermes(), true);
  EXPECT_TRUE(choice->matches("why</think> yes \""));
  EXPECT_TRUE(choice->matches("</think>no\\"));
  EXPECT_FALSE(choice->matches("</think>maybe"));
  const auto own = grammar_for(asking_for({.kind = chat::ResponseFormat::Kind::kGrammar,
                                           .text = "root ::= \"root \" rooted\nrooted ::= [0-9]+"}),
                               hermes(), true);
  EXPECT_TRUE(own->matches("x</think>root 42"));
  EXPECT_FALSE(own->matches("x</think>answer 42"));
}

TEST(LocalGrammar, a_demanded_call_is_a_call_of_that_tool) {
  chat::ChatRequest request;
  request.tools = {{.name = "other", .description = "", .parameters = kSchema},
                   {.name = "add", .description = "", .parameters = kSchema}};
  request.tool_choice = {.mode = chat::ToolChoice::Mode::kFunction, .name = "add"};
  const auto grammar = grammar_for(request, hermes(), false);
  ASSERT_NE(grammar, nullptr);
  EXPECT_TRUE(grammar->matches("<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 7}}\n</tool_call>"));
  EXPECT_FALSE(grammar->matches("<tool_call>\n{\"name\": \"other\", \"arguments\": {\"a\": 7}}\n</tool_call>"));
  EXPECT_FALSE(grammar->matches("<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": \"x\"}}\n</tool_call>"));
  EXPECT_FALSE(grammar->matches("I would rather talk"));
  request.tool_choice.name = "nobody";
  EXPECT_THROW(grammar_for(request, hermes(), false), Error);
}

TEST(LocalGrammar, a_prompt_that_opens_thinking_is_noticed) {
  EXPECT_TRUE(ends_inside_thinking("<|im_start|>assistant\n<think>\n", hermes()));
  EXPECT_FALSE(ends_inside_thinking("<|im_start|>assistant\n<think>\n\n</think>\n\n", hermes()));
  EXPECT_FALSE(ends_inside_thinking("", hermes()));
}

}  // namespace
}  // namespace shenbi::gateway
