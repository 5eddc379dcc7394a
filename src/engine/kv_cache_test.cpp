#include "engine/kv_cache.h"

#include <gtest/gtest.h>

#include <numeric>

namespace shenbi::engine {
namespace {

std::vector<int32_t> tokens(int count, int first = 0) {
  std::vector<int32_t> out(static_cast<size_t>(count));
  std::iota(out.begin(), out.end(), first);
  return out;
}

std::vector<uint32_t> take(KvCache& cache, size_t pages) {
  std::vector<uint32_t> out;
  for (size_t i = 0; i < pages; ++i) out.push_back(cache.allocate().value());
  return out;
}

}  // namespace

TEST(KvCache, gives_out_every_page_once_and_then_none) {
  KvCache cache(64, 4);
  const auto pages = take(cache, 4);
  EXPECT_FALSE(cache.allocate().has_value());
  cache.release(pages);
  EXPECT_EQ(cache.free_pages(), 4u);
}

TEST(KvCache, a_prompt_that_begins_like_an_earlier_one_reuses_its_full_pages) {
  KvCache cache(64, 8);
  const auto first = tokens(100);
  const auto pages = take(cache, 4);
  cache.publish(first, pages);
  cache.release(pages);
  EXPECT_EQ(cache.available_pages(), 8u);
  EXPECT_EQ(cache.match_prefix(tokens(100)), (std::vector<uint32_t>{pages[0], pages[1], pages[2]}));
  auto other = tokens(100);
  other[40] = 7;
  EXPECT_EQ(cache.match_prefix(other), (std::vector<uint32_t>{pages[0]}));
}

TEST(KvCache, always_leaves_one_token_to_compute) {
  KvCache cache(64, 8);
  const auto pages = take(cache, 2);
  cache.publish(tokens(64), pages);
  cache.release(pages);
  EXPECT_EQ(cache.match_prefix(tokens(64)).size(), 1u);
  EXPECT_EQ(cache.match_prefix(tokens(65)).size(), 2u);
}

TEST(KvCache, evicts_the_least_recently_used_leaf_and_never_a_held_page) {
  KvCache cache(64, 3);
  const auto a = take(cache, 1);
  cache.publish(tokens(32, 0), a);
  cache.release(a);
  const auto b = take(cache, 1);
  cache.publish(tokens(32, 1000), b);
  cache.release(b);
  EXPECT_EQ(cache.match_prefix(tokens(33, 0)), a);  // now held, and younger than b
  const auto two = take(cache, 2);                  // the free page, then b's
  EXPECT_EQ(two[1], b[0]);
  EXPECT_FALSE(cache.allocate().has_value());
  EXPECT_TRUE(cache.match_prefix(tokens(33, 1000)).empty());
}

TEST(KvCache, two_sequences_that_computed_the_same_page_keep_one_copy_in_the_tree) {
  KvCache cache(64, 4);
  const auto a = take(cache, 1), b = take(cache, 1);
  cache.publish(tokens(32), a);
  cache.publish(tokens(32), b);
  cache.release(a);
  cache.release(b);
  EXPECT_EQ(cache.free_pages(), 3u);
  EXPECT_EQ(cache.match_prefix(tokens(33)), a);
}

}  // namespace shenbi::engine
