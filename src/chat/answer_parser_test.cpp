#include "chat/answer_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "chat/template.h"

namespace shenbi::chat {
namespace {

using testing::HasSubstr;
using Kind = Event::Kind;

std::vector<Tool> tools() {
  Tool weather{"get_weather", "Current weather", OrderedJson::parse(R"({"type": "object", "required": ["city"],
      "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "where": {"type": "object"},
                     "tags": {"type": "array"}, "exact": {"type": "boolean"}}})")};
  Tool noop{"noop", "Does nothing", OrderedJson::parse(R"({"type": "object", "properties": {}})")};
  return {weather, noop};
}

// An answer, one line an event, neighbours of one kind merged; ids left out unless asked for.
std::string told(const std::vector<Event>& events, bool ids = false) {
  std::string all;
  Kind last = Kind::kFinish;
  uint32_t last_index = 0;
  for (const Event& event : events) {
    const bool grows = event.kind == last && event.index == last_index && event.kind != Kind::kToolCall &&
                       event.kind != Kind::kWarning;
    if (!grows) {
      if (!all.empty()) all += "\n";
      if (event.kind == Kind::kText) all += "text ";
      if (event.kind == Kind::kThinking) all += "thinking ";
      if (event.kind == Kind::kToolCall) {
        all += "call " + std::to_string(event.index) + " " + event.name + (ids ? " " + event.id : "");
      }
      if (event.kind == Kind::kToolArguments) all += "arguments " + std::to_string(event.index) + " ";
      if (event.kind == Kind::kWarning) all += std::string(event.id.empty() ? "warning " : "taken back ");
    }
    all += event.text;
    last = event.kind;
    last_index = event.index;
  }
  return all;
}

struct Given {
  bool parallel = true, thinking_open = false, split_thinking = true, no_tools = false;
};

std::string parsed(const std::string& family, const std::vector<std::string_view>& pieces, const Given& given = {}) {
  AnswerParser parser(*tool_syntax(family), {.tools = given.no_tools ? std::vector<Tool>{} : tools(),
                                             .parallel = given.parallel,
                                             .thinking_open = given.thinking_open,
                                             .split_thinking = given.split_thinking});
  std::vector<Event> all;
  for (const auto piece : pieces) {
    for (Event& event : parser.push(piece)) all.push_back(std::move(event));
  }
  for (Event& event : parser.finish()) all.push_back(std::move(event));
  return told(all);
}

std::string parsed(const std::string& family, std::string_view text, const Given& given = {}) {
  return parsed(family, std::vector<std::string_view>{text}, given);
}

// --- thinking ---

TEST(Thinking, is_split_off_without_the_white_space_around_it) {
  EXPECT_EQ(parsed("plain", "<think>\nhm\n</think>\n\nFour."), "thinking hm\ntext Four.");
}

TEST(Thinking, that_the_prompt_opened_ends_at_the_marker) {
  EXPECT_EQ(parsed("plain", "hm</think>Four.", {.thinking_open = true}), "thinking hm\ntext Four.");
}

TEST(Thinking, unfinished_stays_thinking) { EXPECT_EQ(parsed("plain", "<think>hm</thi"), "thinking hm</thi"); }

TEST(Thinking, markers_inside_the_answer_are_text) {
  EXPECT_EQ(parsed("plain", "Use <think> and </think>."), "text Use <think> and </think>.");
}

TEST(Thinking, is_left_alone_when_not_to_be_split) {
  EXPECT_EQ(parsed("hermes", "<think>\n<tool_call>\n</think>\n\nFour.", {.split_thinking = false}),
            "text <think>\n<tool_call>\n</think>\n\nFour.");
}

TEST(Thinking, calls_inside_it_are_thoughts) {
  EXPECT_EQ(parsed("hermes", "<think><tool_call>{\"name\": \"noop\"}</tool_call></think>Done."),
            "thinking <tool_call>{\"name\": \"noop\"}</tool_call>\ntext Done.");
}

// --- families: tests/golden/chat/tool_calls/FAMILY.json, [{"name", "text", "events", and what differs from Given}] ---

class Family : public testing::TestWithParam<std::string> {};

TEST_P(Family, tells_the_same_events_however_the_text_is_cut) {
  std::ifstream file(GetParam());
  const auto cases = nlohmann::json::parse(file);
  const std::string family = std::filesystem::path(GetParam()).stem();
  ASSERT_NE(tool_syntax(family), nullptr);
  std::mt19937 random(7);
  for (const auto& one : cases) {
    SCOPED_TRACE(family + ": " + one["name"].get<std::string>());
    const std::string text = one["text"];
    const Given given{.parallel = one.value("parallel", true),
                      .thinking_open = one.value("thinking_open", false),
                      .no_tools = one.value("no_tools", false)};
    std::string expected;
    for (const auto& event : one["events"]) expected += (expected.empty() ? "" : "\n") + event.get<std::string>();
    ASSERT_EQ(parsed(family, text, given), expected);
    const std::string_view all(text);
    std::vector<std::string_view> bytes;
    for (size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(parsed(family, {all.substr(0, i), all.substr(i)}, given), expected) << "cut at " << i;
      bytes.push_back(all.substr(i, 1));
    }
    ASSERT_EQ(parsed(family, bytes, given), expected) << "byte by byte";
    for (int round = 0; round < 20; ++round) {
      std::vector<std::string_view> pieces;
      for (size_t at = 0; at < all.size(); at += pieces.back().size())
        pieces.push_back(all.substr(at, 1 + random() % 9));
      ASSERT_EQ(parsed(family, pieces, given), expected) << "random pieces, round " << round;
    }
  }
}

std::vector<std::string> family_files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(SHENBI_SOURCE_DIR "/tests/golden/chat/tool_calls")) {
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

INSTANTIATE_TEST_SUITE_P(Answers, Family, testing::ValuesIn(family_files()),
                         [](const auto& info) { return std::filesystem::path(info.param).stem().string(); });

TEST(Families, each_has_a_file_of_answers) {
  for (const auto& [stem, make] : tool_syntax_registry()) {
    EXPECT_TRUE(
        std::filesystem::exists(SHENBI_SOURCE_DIR "/tests/golden/chat/tool_calls/" + std::string(stem) + ".json"))
        << stem;
    EXPECT_EQ(make().name, stem);
  }
}

TEST(Families, each_makes_a_reader_and_a_grammar) {
  for (const auto& [stem, make] : tool_syntax_registry()) {
    const ToolSyntax syntax = make();
    for (const std::string& trigger : syntax.triggers) EXPECT_FALSE(trigger.empty()) << stem;
    EXPECT_NE(syntax.reader(tools(), true), nullptr) << stem;
    const std::string grammar = syntax.grammar(tools(), true);
    EXPECT_THAT(grammar, testing::StartsWith("root ::= ")) << stem;
    EXPECT_THAT(grammar, testing::AnyOf(HasSubstr("args-0"), HasSubstr("pairs-0"))) << stem;
  }
}

TEST(Families, ids_are_made_where_the_format_has_none_and_kept_where_it_has) {
  const auto id = [](const char* family, const char* text) {
    AnswerParser parser(*tool_syntax(family), {.tools = tools()});
    for (const Event& event : parser.push(text)) {
      if (event.kind == Kind::kToolCall) return event.id;
    }
    return std::string();
  };
  EXPECT_THAT(id("hermes", "<tool_call>{\"name\": \"noop\"}</tool_call>"),
              testing::MatchesRegex("call_[0-9A-Za-z]{24}"));
  EXPECT_THAT(id("mistral", "[TOOL_CALLS]noop[ARGS]{}"), testing::MatchesRegex("[0-9A-Za-z]{9}"));
  EXPECT_EQ(id("mistral", "[TOOL_CALLS]noop[CALL_ID]abcdefghi[ARGS]{}"), "abcdefghi");
  EXPECT_EQ(
      id("kimi_k2", "<|tool_calls_section_begin|><|tool_call_begin|>functions.noop:3<|tool_call_argument_begin|>{}"),
      "functions.noop:3");
}

TEST(Families, arguments_stream_as_they_arrive) {
  AnswerParser parser(*tool_syntax("hermes"), {.tools = tools()});
  EXPECT_EQ(told(parser.push("<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"ci")),
            "call 0 get_weather\narguments 0 {\"ci");
  EXPECT_EQ(told(parser.push("ty\": \"Par")), "arguments 0 ty\": \"Par");
  EXPECT_TRUE(parser.saw_tool_call());
}

TEST(Families, a_call_longer_than_the_limit_comes_back_as_text) {
  AnswerParser parser(*tool_syntax("hermes"), {.tools = tools()});
  std::string text, pushed = "<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"";
  const std::string piece(1 << 16, 'x');
  const auto take = [&](const std::vector<Event>& events) {
    for (const Event& event : events) {
      if (event.kind == Kind::kText) text += event.text;
    }
  };
  take(parser.push(pushed));
  for (int i = 0; i < 70; ++i) {
    take(parser.push(piece));
    pushed += piece;
  }
  take(parser.finish());
  EXPECT_EQ(text, pushed);
  EXPECT_FALSE(parser.saw_tool_call());
}

// --- messages for templates ---

Message said(Role role, std::string text) {
  Message message{.role = role};
  message.parts.push_back({.kind = Part::Kind::kText, .text = std::move(text)});
  return message;
}

std::vector<Message> conversation() {
  Message call = said(Role::kAssistant, "");
  call.tool_calls = {{"c1", "noop", R"({"why": [1]})"}};
  Message result = said(Role::kTool, "done");
  result.tool_call_id = "c1";
  return {said(Role::kDeveloper, "S"), said(Role::kUser, "U"), call, result};
}

TEST(TemplateMessages, have_arguments_as_objects_and_the_name_of_the_tool_that_answers) {
  EXPECT_EQ(
      template_messages(conversation()).dump(),
      R"([{"role":"system","content":"S"},{"role":"user","content":"U"},{"role":"assistant","content":"","tool_calls":)"
      R"([{"id":"c1","type":"function","function":{"name":"noop","arguments":{"why":[1]}}}]},)"
      R"({"role":"tool","content":"done","tool_call_id":"c1","name":"noop"}])");
}

TEST(TemplateMessages, put_into_the_text_what_the_template_has_no_place_for) {
  const auto chat = ChatTemplate::parse("{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}", "t");
  const TemplateForm form = template_form(chat);
  EXPECT_TRUE(form.calls_in_text && form.tools_in_text);
  EXPECT_FALSE(form.system_in_user);
  const std::string prompt = chat.render({{"messages", template_messages(conversation(), form, tools())}});
  EXPECT_THAT(prompt, HasSubstr("[system] S\n\nYou can call these functions:\n[{\"type\":\"function\""));
  EXPECT_THAT(prompt, HasSubstr("[assistant] {\"name\":\"noop\",\"arguments\":{\"why\":[1]}}"));
  EXPECT_THAT(prompt, HasSubstr("[user] The function noop answered:\ndone"));
}

TEST(TemplateMessages, find_the_form_that_a_template_shows_calls_in) {
  const auto form =
      template_form(ChatTemplate::parse("{{ tools }}{% for m in messages %}{% if m.content is none %}{% for c in "
                                        "m.tool_calls %}{{ c.function.arguments + '' }}"
                                        "{% endfor %}{% else %}{{ m.content }}{% endif %}{% endfor %}",
                                        "t"));
  EXPECT_TRUE(form.null_content && form.text_arguments);
  EXPECT_FALSE(form.calls_in_text || form.tools_in_text || form.results_in_text);
}

TEST(TemplateTools, are_null_where_there_are_none_and_always_have_parameters) {
  EXPECT_TRUE(template_tools({}).is_null());
  EXPECT_EQ(template_tools({{"f", "d", nullptr}})[0]["function"]["parameters"]["type"], "object");
}

}  // namespace
}  // namespace shenbi::chat
