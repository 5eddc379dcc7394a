#include "base/checksum.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace shenbi {
namespace {

std::vector<std::byte> some_bytes(size_t count) {
  std::vector<std::byte> bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i * 37 + i / 256);
  return bytes;
}

TEST(Checksum, stays_the_same_between_versions_because_files_hold_it) {
  EXPECT_EQ(checksum(some_bytes(1000)), 0x0732E7ECB4F3B2DBull);
  EXPECT_EQ(checksum(std::string_view("")), 0x214FF4E8011DDFAAull);
}

TEST(Checksum, differs_after_any_single_bit_flips) {
  auto bytes = some_bytes(203);
  std::set<uint64_t> seen = {checksum(bytes)};
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte(1 << bit % 8);
    EXPECT_TRUE(seen.insert(checksum(bytes)).second) << bit;
    bytes[bit / 8] ^= std::byte(1 << bit % 8);
  }
}

TEST(Checksum, differs_after_two_top_bits_of_one_lane_flip) {
  auto bytes = some_bytes(256);
  const uint64_t before = checksum(bytes);
  bytes[7] ^= std::byte{0x80};
  bytes[7 + 64] ^= std::byte{0x80};
  EXPECT_NE(checksum(bytes), before);
}

TEST(Checksum, tells_zeros_of_different_lengths_apart) {
  std::set<uint64_t> seen;
  for (size_t count = 0; count < 200; ++count) EXPECT_TRUE(seen.insert(checksum(std::vector<std::byte>(count))).second);
}

TEST(Checksum, seeds_give_independent_sums) { EXPECT_NE(checksum(some_bytes(64), 1), checksum(some_bytes(64), 2)); }

}  // namespace
}  // namespace shenbi
