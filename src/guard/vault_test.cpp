#include "guard/vault.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"

namespace shenbi::guard {
namespace {

TEST(Vault, the_same_value_has_the_same_placeholder) {
  const Finder finder;
  Vault vault;
  EXPECT_EQ(masked("a@b.com, 13812345678, a@b.com; c@d.com", finder, vault),
            "[EMAIL_1], [PHONE_1], [EMAIL_1]; [EMAIL_2]");
  EXPECT_EQ(masked("再说一次a@b.com。", finder, vault), "再说一次[EMAIL_1]。");
  EXPECT_EQ(vault.summary(), "email 2, phone 1");
  EXPECT_EQ(masked("nothing here", finder, vault), std::nullopt);
}

TEST(Vault, what_comes_back_is_what_was_there) {
  const Finder finder;
  Vault vault;
  const std::string text = "拨打138 1234 5678或写信给a@b.com，不是[EMAIL_1]，也不是[EMAIL_9]。";
  const auto hidden = masked(text, finder, vault);
  ASSERT_TRUE(hidden);
  EXPECT_EQ(*hidden, "拨打[PHONE_1]或写信给[EMAIL_1]，不是[TEXT_1]，也不是[TEXT_2]。");
  EXPECT_EQ(restored(*hidden, vault), text);
  EXPECT_EQ(restored("[EMAIL_2] [PHONE_1", vault), "[EMAIL_2] [PHONE_1");  // not ours; not whole
}

TEST(Vault, what_is_signed_hides_only_what_is_known) {
  const Finder finder;
  Vault vault;
  masked("a@b.com", finder, vault);
  EXPECT_EQ(masked("a@b.com and c@d.com", finder, vault, true), "[EMAIL_1] and c@d.com");
  EXPECT_EQ(vault.summary(), "email 1");
}

TEST(Vault, a_request_has_room_for_so_many_values) {
  Vault vault;
  for (size_t i = 0; i < kMaxMaskedValues; ++i) vault.placeholder(Kind::kEmail, std::to_string(i));
  EXPECT_EQ(vault.placeholder(Kind::kEmail, "0"), "[EMAIL_1]");
  EXPECT_THROW(vault.placeholder(Kind::kEmail, "one more"), Error);
}

TEST(Restorer, placeholders_come_back_however_they_are_cut) {
  Vault vault;
  vault.placeholder(Kind::kEmail, "a@b.com");
  vault.placeholder(Kind::kPassport, "E1");
  for (int i = 0; i < 20; ++i) vault.placeholder(Kind::kPhone, "138 1234 56" + std::to_string(10 + i));
  const std::string text = "[EMAIL_1][PHONE_12][PHONE_1]2 [[EMAIL_1]] [email_1] [EMAIL_1 [PASSPORT_1] [EMAIL_01] x[";
  const std::string whole = restored(text, vault);
  EXPECT_EQ(whole, "a@b.com138 1234 5621138 1234 56102 [a@b.com] [email_1] [EMAIL_1 E1 [EMAIL_01] x[");
  for (size_t size = 1; size < text.size(); ++size) {
    Restorer restorer(vault);
    std::string out;
    for (size_t at = 0; at < text.size(); at += size) out += restorer.push(text.substr(at, size));
    EXPECT_EQ(out + restorer.finish(), whole) << size;
  }
}

TEST(Restorer, what_cannot_become_a_placeholder_does_not_wait) {
  Vault vault;
  vault.placeholder(Kind::kEmail, "a@b.com");
  Restorer restorer(vault);
  EXPECT_EQ(restorer.push("a[0] = "), "a[0] = ");
  EXPECT_FALSE(restorer.waits());
  EXPECT_EQ(restorer.push("[EMAIL"), "");
  EXPECT_TRUE(restorer.waits());
  EXPECT_EQ(restorer.push("ABCDEFGHIJKLMNOPQRSTUVW"), "[EMAILABCDEFGHIJKLMNOPQRSTUVW");
}

TEST(Restorer, in_JSON_a_value_is_put_into_a_string) {
  Vault vault;
  vault.placeholder(Kind::kPrivate, "a \"quote\"\n\\");
  EXPECT_EQ(restored(R"({"x": "[PRIVATE_1]"})", vault, true), R"({"x": "a \"quote\"\n\\"})");
}

}  // namespace
}  // namespace shenbi::guard
