#include "gateway/signatures.h"

#include <gtest/gtest.h>

namespace shenbi::gateway {
namespace {

using chat::Part;

const std::string kClaude = maker_of({.house = "anthropic"}, "claude"), kGemini = maker_of({.house = "gemini"}, "pro");

chat::ChatRequest thought(std::string signature, std::string name = "") {
  chat::ChatRequest request;
  Part part{.kind = Part::Kind::kThinking, .text = name.empty() ? "Hm" : "", .signature = std::move(signature)};
  part.name = std::move(name);
  request.messages.push_back({.role = chat::Role::kAssistant, .parts = {part, {.text = "So."}}});
  return request;
}

TEST(Signatures, the_maker_gets_back_what_he_signed_and_nobody_else_does) {
  auto own = thought(marked(kClaude, "c2ln")), others = own;
  keep_own_signatures(own, kClaude);
  EXPECT_EQ(own.messages[0].parts[0].signature, "c2ln");
  keep_own_signatures(others, kGemini);
  EXPECT_EQ(others.messages[0].parts[0].signature, "");
  EXPECT_EQ(others.messages[0].parts[0].text, "Hm");
}

TEST(Signatures, hidden_thinking_of_another_maker_goes) {
  auto request = thought(marked(kClaude, "c2ln"), "redacted");
  keep_own_signatures(request, kGemini);
  ASSERT_EQ(request.messages[0].parts.size(), 1u);
  EXPECT_EQ(request.messages[0].parts[0].text, "So.");
}

TEST(Signatures, the_mark_is_found_behind_an_id_of_the_Responses_API) {
  auto request = thought("rs_1|" + marked(kClaude, "rs_7|enc"));
  keep_own_signatures(request, kClaude);
  EXPECT_EQ(request.messages[0].parts[0].signature, "rs_7|enc");
}

TEST(Signatures, a_mark_keeps_base64_what_it_is) {
  const std::string text = marked(kClaude, "c2ln");
  EXPECT_EQ(text.size() % 4, 0u);
  EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"), text.npos);
}

TEST(Signatures, makers_differ_by_house_by_address_and_by_the_name_in_front_of_a_model) {
  const std::string openrouter = maker_of({.house = "openrouter"}, "anthropic/claude");
  EXPECT_NE(openrouter, maker_of({.house = "openrouter"}, "google/gemini"));
  EXPECT_EQ(openrouter, maker_of({.house = "openrouter"}, "anthropic/other"));
  EXPECT_NE(kClaude, maker_of({.house = "anthropic", .base_url = "https://api.minimax.io/anthropic"}, "claude"));
}

TEST(Signatures, what_was_passed_on_without_a_mark_is_remembered) {
  SignatureBook book;
  book.note("c2ln", kClaude);
  EXPECT_TRUE(book.any_foreign(thought("c2ln"), kGemini));
  EXPECT_FALSE(book.any_foreign(thought("c2ln"), kClaude));
  EXPECT_FALSE(book.any_foreign(thought("bmV3"), kGemini)) << "nobody knows whose it is";
  auto request = thought("c2ln");
  claim_signatures(request, kGemini, book);
  keep_own_signatures(request, kGemini);
  EXPECT_EQ(request.messages[0].parts[0].signature, "");
}

}  // namespace
}  // namespace shenbi::gateway
