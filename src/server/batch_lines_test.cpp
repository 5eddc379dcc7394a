#include "server/batch_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "chat/types.h"

namespace shenbi::server {
namespace {

using chat::OrderedJson;
using ::testing::HasSubstr;

constexpr std::string_view kChat = "/v1/chat/completions";

std::string line(const std::string& id, const std::string& body = R"({"model":"m"})") {
  return R"({"custom_id":")" + id + R"(","method":"POST","url":"/v1/chat/completions","body":)" + body + "}\n";
}

// The code of the only problem of a one-line input, and its message.
std::pair<std::string, std::string> problem(const std::string& input) {
  const auto checked = check_batch_input(input, kChat);
  EXPECT_EQ(checked.problems.size(), 1u);
  return {checked.problems.at(0).code, checked.problems.at(0).message};
}

TEST(BatchLines, are_counted_from_one_with_the_blank_ones) {
  const std::string input = "\n" + line("a") + "  \r\n" + line("b") + line("c").substr(0, line("c").size() - 1);
  const auto checked = check_batch_input(input, kChat);
  ASSERT_TRUE(checked.problems.empty()) << checked.problems[0].message;
  ASSERT_EQ(checked.lines.size(), 3u);
  EXPECT_EQ(checked.lines[0].number, 2u);
  EXPECT_EQ(checked.lines[1].number, 4u);
  const auto request = parse_batch_line(input.substr(checked.lines[2].offset, checked.lines[2].bytes), kChat);
  EXPECT_EQ(request.custom_id, "c");
  EXPECT_EQ(request.body, R"({"model":"m"})");
}

TEST(BatchLines, what_is_wrong_with_a_line_is_told_in_openais_codes) {
  EXPECT_EQ(problem("").first, "empty_file");
  EXPECT_EQ(problem("\n \n").first, "empty_file");
  EXPECT_EQ(problem("nonsense").first, "invalid_json_line");
  EXPECT_EQ(problem("[1]").first, "invalid_json_line");
  EXPECT_EQ(problem("{\"a\": \"\xff\"}").first, "invalid_json_line");
  EXPECT_EQ(problem(std::string(100, '[')).first, "invalid_json_line");
  EXPECT_EQ(problem(R"({"custom_id": "a", "method": "POST", "body": {}})").first, "missing_required_parameter");
  EXPECT_EQ(problem(R"({"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": {}})").first,
            "url_mismatch");
  EXPECT_THAT(problem(line("a", R"({"stream":true})")).second, HasSubstr("body.stream: "));
  EXPECT_THAT(problem(line("a", "[]")).second, HasSubstr("body: expected an object"));
  EXPECT_THAT(problem(line("")).second, HasSubstr("custom_id: "));
  EXPECT_THAT(problem(line(std::string(limits::kMaxCustomIdBytes + 1, 'x'))).second, HasSubstr("custom_id: "));
  EXPECT_THAT(problem(R"({"custom_id":"a","method":"GET","url":"/v1/chat/completions","body":{}})").second,
              HasSubstr("method: must be POST"));
  EXPECT_THAT(problem(R"({"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{},"colour":1})").second,
              HasSubstr("colour: "));
}

TEST(BatchLines, the_same_custom_id_twice_names_the_second_line) {
  const auto checked = check_batch_input(line("a") + line("b") + line("a"), kChat);
  ASSERT_EQ(checked.problems.size(), 1u);
  EXPECT_EQ(checked.problems[0].code, "duplicate_custom_id");
  EXPECT_EQ(checked.problems[0].line, 3u);
  EXPECT_EQ(checked.problems[0].param, "custom_id");
}

TEST(BatchLines, lines_and_named_problems_are_bounded) {
  std::string many, wrong;
  for (size_t i = 0; i <= limits::kMaxBatchLines; ++i) many += "{}\n";
  EXPECT_EQ(problem(many).first, "too_many_tasks");
  for (size_t i = 0; i <= limits::kMaxBatchErrors; ++i) wrong += "{}\n";
  EXPECT_EQ(check_batch_input(wrong, kChat).problems.size(), limits::kMaxBatchErrors);
}

TEST(BatchLines, an_answer_is_one_line_of_json_whatever_it_holds) {
  const std::string text = answered_line("a\"\n", 200, "req-1", "{\n \"x\": \"a\\nb\"}\n");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  const auto json = OrderedJson::parse(text);
  EXPECT_EQ(json["custom_id"], "a\"\n");
  EXPECT_EQ(json["response"]["status_code"], 200);
  EXPECT_EQ(json["response"]["body"]["x"], "a\nb");
  EXPECT_TRUE(json["error"].is_null());
  const auto none = OrderedJson::parse(unanswered_line("a", "batch_expired", "too late"));
  EXPECT_EQ(none["error"]["code"], "batch_expired");
  EXPECT_TRUE(none["response"].is_null());
}

TEST(BatchLines, the_usage_of_an_answer_is_read_in_the_words_of_each_endpoint) {
  const auto is = [](const char* body, int64_t input, int64_t cached, int64_t output, int64_t reasoning) {
    const BatchUsage usage = usage_of_answer(body);
    EXPECT_EQ(usage.input_tokens, input) << body;
    EXPECT_EQ(usage.cached_tokens, cached) << body;
    EXPECT_EQ(usage.output_tokens, output) << body;
    EXPECT_EQ(usage.reasoning_tokens, reasoning) << body;
  };
  is(R"({"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":4},
     "completion_tokens_details":{"reasoning_tokens":1}}})",
     7, 4, 3, 1);
  is(R"({"usage":{"input_tokens":7,"input_tokens_details":{"cached_tokens":4},"output_tokens":3,
     "output_tokens_details":{"reasoning_tokens":1},"total_tokens":10}})",
     7, 4, 3, 1);
  is(R"({"usage":{"prompt_tokens":7,"total_tokens":7}})", 7, 0, 0, 0);
  for (const char* none :
       {"", "[]", "{}", R"({"usage":null})", R"({"usage":{"prompt_tokens":"7","input_tokens":-1}})"}) {
    is(none, 0, 0, 0, 0);
  }
}

}  // namespace
}  // namespace shenbi::server
