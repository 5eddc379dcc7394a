#include "chat/answer_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

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

}  // namespace
}  // namespace shenbi::chat
