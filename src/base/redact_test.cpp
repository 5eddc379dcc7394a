#include "base/redact.h"

#include <gtest/gtest.h>

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

TEST(Redact, the_log_goes_through_it) {
  EXPECT_EQ(log_text(LogLevel::kWarn, "key sk-0123456789abcdef0", false), "key sk-****");
  EXPECT_NE(log_text(LogLevel::kWarn, "key sk-0123456789abcdef0", true).find(R"("message":"key sk-****")"),
            std::string::npos);
  EXPECT_EQ(log_event_text(LogLevel::kInfo, R"({"error":"sk-0123456789abcdef0"})", false), R"({"error":"sk-****"})");
}

}  // namespace
}  // namespace shenbi
