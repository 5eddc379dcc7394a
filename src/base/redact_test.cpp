#include "base/redact.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>

#include "base/log.h"

namespace shenbi {
namespace {

TEST(Redact, keys_are_known_by_their_shapes) {
  const std::string long_one = "0123456789abcdefABCDEF_-0123456789abcdef";
  for (const std::string begin :
       {"sk-", "sk-proj-", "sk-ant-api03-", "xai-", "gsk_", "AIza", "ghp_", "hf_", "r8_", "eyJ"}) {
    const std::string said = redacted("key " + begin + long_one + ", no more");
    EXPECT_EQ(said.find(long_one.substr(4)), std::string::npos) << said;
    EXPECT_TRUE(said.ends_with("****, no more")) << said;
  }
  EXPECT_EQ(redacted("AKIAIOSFODNN7EXAMPLE"), "AKIA****");
  EXPECT_EQ(redacted("Authorization: Bearer abcdef0123456789"), "Authorization: Bearer ****");
  EXPECT_EQ(redacted("Basic dXNlcjpwYXNzd29yZA=="), "Basic ****");
  EXPECT_EQ(redacted("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"), "eyJ****");
}

TEST(Redact, proofs_in_addresses_and_headers_are_known_by_their_names) {
  EXPECT_EQ(redacted("https://a.example/x?access_token=24.abc&b=1"), "https://a.example/x?access_token=****&b=1");
  EXPECT_EQ(redacted(R"(api_key="abcd1234", algorithm="hmac-sha256")"), R"(api_key="****", algorithm="hmac-sha256")");
  EXPECT_EQ(redacted("SignedHeaders=host, Signature=0badf00d"), "SignedHeaders=host, Signature=****");
}

TEST(Redact, words_are_left_alone) {
  for (const char* text :
       {"", "task-0123456789abcdefghij", "a sk- in the middle", "sk-short", "Bearer of news", "the ask-first rule",
        "model 'deepseek-chat' not found", "hf_model", "Basic authentication", "Bearer authentication",
        "signature= is missing", "registry.ollama.ai/library/gemma3:270m-it-q4_K_M", "你好，世界"})
    EXPECT_EQ(redacted(text), text);
}

TEST(Redact, what_was_given_as_a_secret_is_hidden_wherever_it_stands) {
  keep_secret("an-id-of-somebody:its-secret-part");
  keep_secret("short");
  EXPECT_EQ(redacted("<an-id-of-somebody> x its-secret-part/short"), "<****> x ****/short");
  EXPECT_EQ(redacted("an-id-of-somebody:its-secret-part"), "****");
}

// The rule as it is told, looked for at each letter: what the finder must equal.
std::string hidden_letter_by_letter(std::string_view text) {
  constexpr std::string_view kNamed[] = {
      "access_token=", "api_key=", "client_secret=", "Signature=", "signature=", "authorization=", "X-Amz-Signature="};
  constexpr std::pair<std::string_view, size_t> kShaped[] = {
      {"sk-", 16},  {"sk_", 16},  {"pk-", 20},     {"xai-", 20}, {"gsk_", 20},    {"AKIA", 16},    {"ASIA", 16},
      {"AKID", 16}, {"AKLT", 16}, {"AIza", 30},    {"ghp_", 20}, {"gho_", 20},    {"hf_", 20},     {"github_pat_", 20},
      {"r8_", 20},  {"LTAI", 12}, {"bce-v3/", 20}, {"eyJ", 20},  {"Bearer ", 12}, {"bearer ", 12}, {"Basic ", 12}};
  const auto is_alnum = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  const auto letters = [&](size_t at) {
    size_t end = at;
    while (end < text.size() && (is_alnum(text[end]) || std::string_view("-_.~+/=%").find(text[end]) != text.npos))
      ++end;
    const auto key = text.substr(std::min(at, text.size()), end - at);
    return key.find_first_of("0123456789") == key.npos ? 0 : key.size();
  };
  const auto size_at = [&](size_t at) -> std::pair<size_t, size_t> {
    for (const auto name : kNamed) {
      if (!text.substr(at).starts_with(name)) continue;
      const size_t shown = name.size() + (text.substr(at + name.size()).starts_with('"') ? 1 : 0);
      if (const size_t count = letters(at + shown); count >= 4) return {shown, count};
    }
    if (at > 0 && (is_alnum(text[at - 1]) || text[at - 1] == '_' || text[at - 1] == '-')) return {};
    for (const auto& [begin, least] : kShaped) {
      if (!text.substr(at).starts_with(begin)) continue;
      if (const size_t count = letters(at + begin.size()); count >= least) return {begin.size(), count};
    }
    return {};
  };
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const auto [shown, count] = size_at(at);
    out += count > 0 ? std::string(text.substr(at, shown)) + "****" : std::string(1, text[at]);
    at += count > 0 ? shown + count : 1;
  }
  return out;
}

TEST(Redact, the_finder_hides_what_a_search_at_each_letter_hides) {
  const std::string_view pieces[] = {"access_token=",
                                     "api_key=",
                                     "client_secret=",
                                     "Signature=",
                                     "signature=",
                                     "authorization=",
                                     "X-Amz-Signature=",
                                     "sk-",
                                     "sk_",
                                     "pk-",
                                     "xai-",
                                     "gsk_",
                                     "AKIA",
                                     "ASIA",
                                     "AKID",
                                     "AKLT",
                                     "AIza",
                                     "ghp_",
                                     "gho_",
                                     "github_pat_",
                                     "hf_",
                                     "r8_",
                                     "LTAI",
                                     "bce-v3/",
                                     "eyJ",
                                     "Bearer ",
                                     "bearer ",
                                     "Basic ",
                                     "\"",
                                     " ",
                                     ",",
                                     "=",
                                     "-",
                                     "_",
                                     "7",
                                     "abcdefghijkl",
                                     "ABCDEFGHIJKLMNOPQRST",
                                     "0123456789",
                                     "s",
                                     "X-Amz-",
                                     "sig",
                                     "你好",
                                     "\n",
                                     "%2F"};
  std::mt19937 random(20261123);
  size_t hidden = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (size_t i = random() % 12; i > 0; --i) text += pieces[random() % std::size(pieces)];
    const std::string expected = hidden_letter_by_letter(text);
    ASSERT_EQ(redacted(text), expected) << text;
    hidden += expected != text;
  }
  EXPECT_GT(hidden, 2000u);  // else nothing was compared
}

TEST(Redact, a_run_full_of_beginnings_is_walked_through_once) {
  std::string text;  // each of them could begin a key that ends with the text: a million of those would take minutes
  for (int i = 0; i < 1'000'000; ++i) text += "api_key=";
  EXPECT_EQ(redacted(text), text);
  EXPECT_EQ(redacted(text + "1"), "api_key=****");
}

TEST(Redact, what_is_found_can_be_taken_out) {
  const std::string text = "a sk-0123456789abcdef0, api_key=\"abcd1\"";
  const auto keys = find_keys(text);
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(text.substr(keys[0].begin, keys[0].end - keys[0].begin), "0123456789abcdef0");
  EXPECT_EQ(text.substr(keys[1].begin, keys[1].end - keys[1].begin), "abcd1");
}

TEST(Redact, the_log_goes_through_it) {
  EXPECT_EQ(log_text(LogLevel::kWarn, "key sk-0123456789abcdef0", false), "key sk-****");
  EXPECT_NE(log_text(LogLevel::kWarn, "key sk-0123456789abcdef0", true).find(R"("message":"key sk-****")"),
            std::string::npos);
  EXPECT_EQ(log_event_text(LogLevel::kInfo, R"({"error":"sk-0123456789abcdef0"})", false), R"({"error":"sk-****"})");
}

}  // namespace
}  // namespace shenbi
