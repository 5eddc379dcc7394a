#include "gateway/upstreams.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "gateway/house.h"
#include "store/test_postgres.h"

namespace shenbi::gateway {
namespace {

class UpstreamsTest : public store::OnBothSides {
 protected:
  std::string refusal(const Upstream& upstream) {
    try {
      upstreams.put(upstream);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
  store::Database database{place()};
  Upstreams upstreams{database};
};
INSTANTIATE_TEST_SUITE_P(On, UpstreamsTest, store::kSides, store::side_name);

TEST_P(UpstreamsTest, what_was_put_is_there_after_a_restart) {
  const Upstream wanted{.name = "office",
                        .house = "compatible",
                        .base_url = "http://10.0.0.5:8000/v1",
                        .keys = {"env:OFFICE_KEY", "sk-1"},
                        .settings = {{"a", "b"}},
                        .models = {"m"},
                        .priority = -3,
                        .weight = 0.5,
                        .enabled = false};
  upstreams.put(wanted);
  Upstreams again(database);
  ASSERT_EQ(again.list().size(), 1u);
  EXPECT_EQ(again.list()[0], wanted);
  EXPECT_TRUE(again.remove("office"));
  EXPECT_FALSE(again.remove("office"));
  EXPECT_TRUE(Upstreams(database).list().empty());
}

TEST_P(UpstreamsTest, every_mistake_is_named) {
  EXPECT_TRUE(refusal({.name = "a/b", .house = "openai"}).starts_with("name: "));
  EXPECT_TRUE(refusal({.name = "", .house = "openai"}).starts_with("name: "));
  EXPECT_TRUE(refusal({.name = "a", .house = "nowhere"}).starts_with("house: "));
  EXPECT_TRUE(refusal({.name = "a", .house = "compatible"}).starts_with("base_url: "));
  EXPECT_TRUE(refusal({.name = "a", .house = "openai", .weight = 0}).starts_with("weight: "));
  EXPECT_TRUE(refusal({.name = "a", .house = "openai", .keys = {"a\r\nb"}}).starts_with("keys: "));
  for (const char* url : {"ftp://x/", "http://", "http:///v1", "x", "https://user:pw@host/v1", "http://h/v1?a=b",
                          "http://h/ v1", "file:///etc/passwd"}) {
    EXPECT_TRUE(refusal({.name = "a", .house = "openai", .base_url = url}).starts_with("base_url: ")) << url;
  }
  EXPECT_TRUE(upstreams.list().empty());
}

TEST(Secrets, come_from_the_environment_and_are_never_shown) {
  ::setenv("SHENBI_TEST_SECRET", "hush", 1);
  EXPECT_EQ(secret_of("env:SHENBI_TEST_SECRET"), "hush");
  ::unsetenv("SHENBI_TEST_SECRET");
  EXPECT_THROW(secret_of("env:SHENBI_TEST_SECRET"), Error);
  EXPECT_EQ(secret_of("sk-plain"), "sk-plain");
  EXPECT_EQ(masked("env:X"), "env:X");
  EXPECT_EQ(masked("sk-1234567890abcdef"), "sk-****cdef");
  EXPECT_EQ(masked("short"), "****");
}

TEST(Houses, each_is_whole) {
  for (const auto& [stem, make] : house_registry()) {
    const House house = find_house(stem);
    SCOPED_TRACE(house.name);
    EXPECT_FALSE(house.title.empty());
    EXPECT_FALSE(house.title_zh.empty());
    EXPECT_TRUE(house.base_url.empty() || house.base_url.starts_with("https://") ||
                house.base_url.starts_with("wss://"));
    EXPECT_FALSE(house.base_url.ends_with("/"));
    EXPECT_TRUE(house.key_variable.empty() || house.key_page.starts_with("https://"));
    EXPECT_TRUE(house.chat_path != nullptr || !house.embeddings_path.empty() || !house.media.empty() ||
                !house.jobs.empty());
    EXPECT_TRUE(asking_of(house).chat != nullptr);
  }
}

}  // namespace
}  // namespace shenbi::gateway
