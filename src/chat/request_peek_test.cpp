#include "chat/request_peek.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace shenbi::chat {
namespace {

TEST(RequestPeek, the_model_is_found_at_the_top_alone_and_replaced_where_it_stands) {
  const std::string body =
      R"({ "messages": [{"model": "no", "content": "\"model\": \"neither\""}], "model" : "a\u002fb", "x": [1.5e3, {}]})";
  const RequestPeek peek = peek_request(body);
  EXPECT_EQ(peek.model, "a/b");
  EXPECT_FALSE(peek.stream);
  EXPECT_EQ(
      peek.with_model(body, "ä\"c"),
      R"({ "messages": [{"model": "no", "content": "\"model\": \"neither\""}], "model" : "ä\"c", "x": [1.5e3, {}]})");
}

TEST(RequestPeek, a_key_that_is_written_with_escapes_is_the_same_key) {
  EXPECT_EQ(peek_request(R"({"\u006dodel": "m", "stream": true})").model, "m");
  EXPECT_TRUE(peek_request(R"({"\u006dodel": "m", "stream": true})").stream);
}

TEST(RequestPeek, what_decides_something_may_stand_there_only_once) {
  for (const char* body : {R"({"model": "a", "model": "b"})", R"({"model": "a", "mod\u0065l": "b"})",
                           R"({"stream": true, "stream": false})", R"({"model": 1})", R"({"stream": "true"})"}) {
    EXPECT_THROW(peek_request(body), Error) << body;
  }
}

TEST(RequestPeek, how_long_the_answers_may_become_is_read_in_the_words_of_every_dialect) {
  EXPECT_EQ(peek_request(R"({"model": "m"})").max_tokens, std::nullopt);
  EXPECT_EQ(peek_request(R"({"model": "m"})").answers, 1u);
  EXPECT_EQ(peek_request(R"({"max_tokens": 7})").max_tokens, 7u);
  EXPECT_EQ(peek_request(R"({"max_tokens": 7, "max_completion_tokens": 9})").max_tokens, 9u);
  EXPECT_EQ(peek_request(R"({"max_output_tokens": 7.5})").max_tokens, 8u);
  const RequestPeek gemini = peek_request(R"({"generationConfig": {"maxOutputTokens": 5, "candidateCount": 3}})");
  EXPECT_EQ(gemini.max_tokens, 5u);
  EXPECT_EQ(gemini.answers, 3u);
  EXPECT_EQ(peek_request(R"({"n": 4})").answers, 4u);
  for (const char* none : {R"({"max_tokens": -1})", R"({"max_tokens": null})", R"({"max_tokens": "7"})",
                           R"({"messages": [{"max_tokens": 7}]})", R"({"generationConfig": [7]})"}) {
    EXPECT_EQ(peek_request(none).max_tokens, std::nullopt) << none;
  }
}

TEST(RequestPeek, plain_is_what_needs_no_work_before_the_answer_begins) {
  for (const char* plain :
       {R"({"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.5, "stream": true})",
        R"({"model": "m", "system": "short", "messages": [], "max_tokens": 7, "stop_sequences": ["x"]})",
        R"({"model": "m", "prompt": "once", "top_k": 40, "seed": 1, "n": 2})", "{}"}) {
    EXPECT_TRUE(peek_request(plain).plain) << plain;
  }
  for (const char* not_plain :
       {R"({"tools": []})", R"({"response_format": {"type": "json_object"}})", R"({"t\u006fols": []})",
        R"({"prompt": ["one", "two"]})", R"({"grammar": "root ::= x"})", R"({"logprobs": true})",
        R"({"thinking": {"type": "enabled"}})", R"({"a_field_of_tomorrow": 1, "model": "m"})"}) {
    EXPECT_FALSE(peek_request(not_plain).plain) << not_plain;
  }
}

TEST(RequestPeek, counts_beyond_all_reason_are_the_most_there_can_be) {
  const RequestPeek peek = peek_request(R"({"max_tokens": 1e300, "n": 18446744073709551615})");
  EXPECT_EQ(peek.max_tokens, RequestPeek::kMostTokens);
  EXPECT_EQ(peek.answers, RequestPeek::kMostAnswers);
}

TEST(RequestPeek, only_JSON_by_the_letter_is_taken) {
  for (const char* body :
       {"", "[]", "{", "{}x", "{'model': 'a'}", R"({"a": 01})", R"({"a": .5})", R"({"a": tru})", R"({"a": [1,]})",
        R"({"a": 1,})", R"({"a" 1})", R"({"a": "\x"})", R"({"a": "\u12g4"})", "{\"a\": \"\n\"}", R"({"a": [1})",
        R"({"a": {"b" : 1]})", R"({"a": nullx})", "{\"model\": \"a\"} // b"}) {
    EXPECT_THROW(peek_request(body), Error) << body;
  }
  for (const char* body : {"{}", " {\t} ", R"({"a": -0.5E-3, "b": [], "c": {}, "d": [[{"e": null}], false]})"}) {
    EXPECT_NO_THROW(peek_request(body)) << body;
  }
  EXPECT_THROW(peek_request("{\"a\": " + std::string(100, '[') + std::string(100, ']') + "}"), Error);
}

TEST(RequestPeek, every_place_of_a_long_string_is_looked_at) {
  for (size_t length = 0; length < 40; ++length) {
    const std::string text(length, 'x');
    EXPECT_EQ(peek_request("{\"a\":\"" + text + "\\\\\",\"model\":\"" + text + "m\"}").model, text + "m");
    EXPECT_THROW(peek_request("{\"a\":\"" + text + "\x01\"}"), Error) << length;
  }
}

TEST(RequestPeek, signed_thinking_is_noticed) {
  EXPECT_TRUE(peek_request(R"({"messages": [{"content": [{"type": "thinking", "signature": "x"}]}]})").signatures);
  EXPECT_TRUE(peek_request(R"({"contents": [{"thoughtSignature": "x"}]})").signatures);
  EXPECT_FALSE(peek_request(R"({"messages": [{"content": "nothing of it"}]})").signatures);
}

}  // namespace
}  // namespace shenbi::chat
