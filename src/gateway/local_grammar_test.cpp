#include "gateway/local_grammar.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

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

std::shared_ptr<const grammar::Grammar> grammar_of(const chat::ChatRequest& request, const chat::ToolSyntax& syntax,
                                                   bool thinking_open) {
  return grammar_for(request, syntax, thinking_open).value().compile({});
}

const OrderedJson kSchema = OrderedJson::parse(
    R"({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": false})");

TEST(LocalGrammar, free_text_has_none) {
  EXPECT_FALSE(grammar_for(chat::ChatRequest(), hermes(), false));
  EXPECT_FALSE(grammar_for(chat::ChatRequest(), hermes(), true));
}

TEST(LocalGrammar, thinking_stays_free_and_the_schema_rules_what_follows) {
  const auto request = asking_for({.kind = chat::ResponseFormat::Kind::kJsonSchema, .schema = kSchema});
  const auto grammar = grammar_of(request, hermes(), true);
  EXPECT_TRUE(grammar->matches("hm, root </thin </th</think>\n\n{\"a\": 1}"));
  EXPECT_TRUE(grammar->matches("</think>{\"a\": 1}"));
  EXPECT_TRUE(grammar->matches("神笔 < </think{ \"</think>{\"a\": 1}"));
  EXPECT_FALSE(grammar->matches("{\"a\": 1}"));
  EXPECT_FALSE(grammar->matches("hm</think>free"));
  EXPECT_FALSE(grammar->matches("hm</think>{\"a\": \"x\"}"));
}

TEST(LocalGrammar, a_choice_and_a_grammar_follow_thinking_too) {
  const auto choice = grammar_of(
      asking_for({.kind = chat::ResponseFormat::Kind::kChoice, .choices = {"yes \"", "no\\"}}), hermes(), true);
  EXPECT_TRUE(choice->matches("why</think> yes \""));
  EXPECT_TRUE(choice->matches("</think>no\\"));
  EXPECT_FALSE(choice->matches("</think>maybe"));
  const auto own = grammar_of(asking_for({.kind = chat::ResponseFormat::Kind::kGrammar,
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
  const auto grammar = grammar_of(request, hermes(), false);
  EXPECT_TRUE(grammar->matches("<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 7}}\n</tool_call>"));
  EXPECT_FALSE(grammar->matches("<tool_call>\n{\"name\": \"other\", \"arguments\": {\"a\": 7}}\n</tool_call>"));
  EXPECT_FALSE(grammar->matches("<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": \"x\"}}\n</tool_call>"));
  EXPECT_FALSE(grammar->matches("I would rather talk"));
  request.tool_choice.name = "nobody";
  EXPECT_THROW(grammar_of(request, hermes(), false), Error);
}

// --- strict tools in auto mode, for every family ---

const OrderedJson kStrictSchema = OrderedJson::parse(
    R"({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
        "required": ["city", "days"], "additionalProperties": false})");

chat::ChatRequest strict_request(bool parallel = true) {
  chat::ChatRequest request;
  request.tools = {{.name = "get_weather", .description = "", .parameters = kStrictSchema, .strict = true},
                   {.name = "noop", .description = "", .parameters = nullptr, .strict = true}};
  request.parallel_tool_calls = parallel;
  return request;
}

struct ReadCalls {
  std::vector<std::pair<std::string, std::string>> calls;  // name, arguments
  std::string text;
  int warnings = 0;
};

ReadCalls read_back(const chat::ToolSyntax& syntax, const chat::ChatRequest& request, std::string_view answer,
                    bool whole = true) {
  chat::AnswerParser parser(syntax, {.tools = request.tools, .parallel = request.parallel_tool_calls});
  std::vector<chat::Event> events = parser.push(answer);
  if (whole) {
    for (chat::Event& event : parser.finish()) events.push_back(std::move(event));
  }
  ReadCalls read;
  for (const chat::Event& event : events) {
    if (event.kind == chat::Event::Kind::kToolCall) read.calls.emplace_back(event.name, "");
    if (event.kind == chat::Event::Kind::kToolArguments) read.calls[event.index].second += event.text;
    if (event.kind == chat::Event::Kind::kText) read.text += event.text;
    read.warnings += event.kind == chat::Event::Kind::kWarning;
  }
  return read;
}

// A vocabulary of bytes, an end token and the control tokens that are asked for.
std::shared_ptr<const grammar::TokenVocabulary> bytes_and(const std::vector<std::string>& control_tokens) {
  tokenizers::GgufVocabulary v;
  v.model = "llama";
  std::vector<std::string> names = {"<unk>", "</s>"};
  std::vector<int32_t> kinds = {2, 3};
  for (int byte = 0; byte < 256; ++byte) {
    names.push_back(fmt::format("<0x{:02X}>", byte));
    kinds.push_back(6);
  }
  for (const std::string& text : control_tokens) {
    names.push_back(text);
    kinds.push_back(3);
  }
  for (const std::string& name : names) v.tokens.push_back(name);
  v.kinds = std::move(kinds);
  v.scores.assign(names.size(), 0.0f);
  v.unknown = 0;
  v.bos = v.eos = 1;
  const auto tokenizer = tokenizers::Tokenizer::from_gguf(v);
  return grammar::TokenVocabulary::make(*tokenizer, names.size(), {1});
}
constexpr int32_t kFirstByte = 2, kFirstControl = 258;

// Writes an answer as a stubborn model would: it wants to write `wish`, and where that is forbidden something else, and
// then to end. Empty if it did not find an end.
std::string written(grammar::Matcher matcher, std::string_view wish, std::mt19937& random) {
  constexpr std::string_view kEndings = "\"}])>|</";
  std::vector<uint64_t> mask((kFirstControl + 63) / 64);
  std::string answer;
  for (size_t at = 0; answer.size() < 3000;) {
    matcher.allowed(mask);
    const auto allowed = [&](unsigned char byte) {
      const auto id = static_cast<size_t>(kFirstByte + byte);
      return (mask[id / 64] >> (id % 64) & 1) != 0;
    };
    std::string some;
    if (at < wish.size() && allowed(static_cast<unsigned char>(wish[at]))) {
      some = wish.substr(at++, 1);
    } else {
      at += random() % 2;
      if (at >= wish.size() && matcher.can_end()) return answer;
      for (const char c : kEndings) {
        if (allowed(static_cast<unsigned char>(c)) && random() % 3 != 0) some += c;
      }
      for (int c = 1; c < 0x7F && some.empty(); ++c) {
        if (allowed(static_cast<unsigned char>(c)) && random() % 8 == 0) some += static_cast<char>(c);
      }
      for (int c = 0; c < 256 && some.empty(); ++c) {
        if (allowed(static_cast<unsigned char>(c))) some += static_cast<char>(c);
      }
      if (some.empty()) return matcher.can_end() ? answer : "";
      some = some.substr(random() % some.size(), 1);
    }
    answer += some;
    EXPECT_TRUE(matcher.accept(kFirstByte + static_cast<unsigned char>(some[0])));
  }
  return "";
}

std::vector<std::string> wishes(const std::string& family) {
  std::ifstream file(std::string(SHENBI_SOURCE_DIR) + "/tests/golden/chat/tool_calls/" + family + ".json");
  std::vector<std::string> texts = {"Hello < there", "{\"a\": 1}", "<think>hm</think>\n\nFour."};
  for (const auto& one : nlohmann::json::parse(file)) texts.push_back(one["text"]);
  return texts;
}

void expect_valid(const std::string& name, const std::string& arguments, const std::string& answer) {
  const auto json = nlohmann::json::parse(arguments, nullptr, false);
  ASSERT_TRUE(json.is_object()) << arguments << "\n" << answer;
  if (name == "noop") {
    EXPECT_TRUE(json.empty()) << answer;
    return;
  }
  EXPECT_EQ(json.size(), 2u) << answer;
  EXPECT_TRUE(json.contains("city") && json["city"].is_string()) << answer;
  const bool whole = json.contains("days") && json["days"].is_number_integer();
  EXPECT_TRUE(whole && json["days"] >= 1 && json["days"] <= 9) << answer;
}

bool spells_an_end(std::string_view answer) {
  const size_t arguments = answer.find("<|message|>{");
  const size_t end = answer.find("<|call|>");
  return arguments != answer.npos && end != answer.npos &&
         !nlohmann::json::accept(answer.substr(arguments + 11, end - arguments - 11));
}

class StrictTools : public testing::TestWithParam<std::string> {};

TEST_P(StrictTools, every_call_that_can_be_written_keeps_to_its_schema) {
  const auto& syntax = *chat::tool_syntax(GetParam());
  const auto vocabulary = bytes_and({});
  std::mt19937 random(11);
  for (const bool parallel : {true, false}) {
    const auto request = strict_request(parallel);
    const auto grammar = grammar_of(request, syntax, false);
    size_t answers = 0, calls = 0;
    for (const std::string& wish : wishes(GetParam())) {
      for (int round = 0; round < 3; ++round) {
        const std::string answer = written(grammar::Matcher(grammar, vocabulary), wish, random);
        if (answer.empty()) continue;
        // gpt-oss's reader sees the end of a message also in a string that spells it.
        if (syntax.name == "gpt_oss" && spells_an_end(answer)) continue;
        const ReadCalls read = read_back(syntax, request, answer);
        EXPECT_EQ(read.warnings, 0) << answer;
        for (const auto& [name, arguments] : read.calls) expect_valid(name, arguments, answer);
        EXPECT_LE(read.calls.size(), parallel ? 1000u : 1u) << answer;
        ++answers;
        calls += read.calls.size();
      }
    }
    EXPECT_GT(answers, wishes(GetParam()).size());
    EXPECT_GT(calls, 0u);
  }
}

TEST_P(StrictTools, text_without_calls_stays_free) {
  const auto grammar = grammar_of(strict_request(), *chat::tool_syntax(GetParam()), false);
  for (const char* text : {"", "Hello.", "a < b, and 神笔 says \"no\": [1, 2]\n", "x <tool_ca"}) {
    EXPECT_TRUE(grammar->matches(text)) << text;
  }
}

std::vector<std::string> families() {
  std::vector<std::string> names;
  for (const auto& [stem, make] : chat::tool_syntax_registry()) names.emplace_back(stem);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Families, StrictTools, testing::ValuesIn(families()),
                         [](const auto& info) { return info.param; });

TEST(LocalGrammar, a_strict_tool_may_be_called_behind_text_and_thinking) {
  const auto grammar = grammar_of(strict_request(), hermes(), false);
  const std::string call =
      "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\", \"days\": 3}}\n</tool_call>";
  EXPECT_TRUE(grammar->matches("I look. " + call));
  EXPECT_TRUE(grammar->matches("<think>\n<tool_call> or not?\n</think>\n\n" + call + "\n" + call + "\nDone."));
  EXPECT_FALSE(grammar->matches("<tool_call>"));
  EXPECT_FALSE(grammar->matches(
      "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\", \"days\": 30}}\n</tool_call>"));
  const auto one = grammar_of(strict_request(false), hermes(), false);
  EXPECT_TRUE(one->matches(call + "\nDone."));
  EXPECT_FALSE(one->matches(call + call));
  const auto thinking = grammar_of(strict_request(), hermes(), true);
  EXPECT_TRUE(thinking->matches("hm <tool_call></think>" + call));
  EXPECT_FALSE(thinking->matches("hm"));
}

TEST(LocalGrammar, tools_without_strict_are_left_to_the_model) {
  auto request = strict_request();
  for (auto& tool : request.tools) tool.strict = false;
  EXPECT_FALSE(grammar_for(request, hermes(), false));
  request.tools[1].strict = true;  // one strict tool: the other may be called with any object
  const auto grammar = grammar_of(request, hermes(), false);
  EXPECT_TRUE(grammar->matches("<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"x\": []}}\n</tool_call>"));
  EXPECT_FALSE(grammar->matches("<tool_call>\n{\"name\": \"noop\", \"arguments\": {\"x\": []}}\n</tool_call>"));
}

TEST(LocalGrammar, markers_may_be_control_tokens_and_text_may_hold_others) {
  const auto& syntax = *chat::tool_syntax("deepseek_v31");
  const std::vector<std::string> control = {"<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>",
                                            "<｜tool▁call▁end｜>",    "<｜tool▁calls▁end｜>",  "<other>"};
  const auto vocabulary = bytes_and(control);
  const auto request = strict_request();
  const auto answer = grammar_for(request, syntax, false);
  grammar::Matcher matcher(answer->compile(vocabulary->control_texts()), vocabulary);
  EXPECT_TRUE(matcher.accept(kFirstControl + 5));
  EXPECT_TRUE(matcher.accept_text("Well. "));
  EXPECT_TRUE(matcher.accept(kFirstControl));
  EXPECT_FALSE(matcher.accept(kFirstControl + 5));
  EXPECT_TRUE(matcher.accept(kFirstControl + 1));
  EXPECT_TRUE(matcher.accept_text("noop"));
  EXPECT_TRUE(matcher.accept(kFirstControl + 2));
  EXPECT_FALSE(matcher.accept_text("{\"a"));
  EXPECT_TRUE(matcher.accept_text("{}"));
  EXPECT_TRUE(matcher.accept(kFirstControl + 3));
  EXPECT_FALSE(matcher.can_end());
  EXPECT_TRUE(matcher.accept(kFirstControl + 4));
  EXPECT_TRUE(matcher.can_end());
}

TEST(LocalGrammar, a_prompt_that_opens_thinking_is_noticed) {
  EXPECT_TRUE(ends_inside_thinking("<|im_start|>assistant\n<think>\n", hermes()));
  EXPECT_FALSE(ends_inside_thinking("<|im_start|>assistant\n<think>\n\n</think>\n\n", hermes()));
  EXPECT_FALSE(ends_inside_thinking("", hermes()));
}

}  // namespace
}  // namespace shenbi::gateway
