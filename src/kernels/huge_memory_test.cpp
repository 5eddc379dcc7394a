#include "kernels/huge_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/error.h"

namespace shenbi::kernels {

TEST(HugeMemory, is_zeroed_aligned_and_separate_for_small_and_large_requests) {
  std::vector<std::shared_ptr<uint8_t>> parts;
  for (const size_t bytes : {size_t{1}, size_t{100}, size_t{4096}, size_t{5} << 20, size_t{3} << 20}) {
    parts.push_back(allocate_huge(bytes));
    uint8_t* p = parts.back().get();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 64, 0u);
    EXPECT_TRUE(std::all_of(p, p + bytes, [](uint8_t byte) { return byte == 0; }));
    std::fill(p, p + bytes, uint8_t{255});
  }
}

TEST(HugeMemory, large_requests_begin_on_a_huge_page) {
  EXPECT_EQ(reinterpret_cast<uintptr_t>(allocate_huge(size_t{8} << 20).get()) % (size_t{2} << 20), 0u);
}

TEST(HugeMemory, a_part_outlives_the_other_parts_of_its_chunk) {
  auto first = allocate_huge(1000);
  const auto second = allocate_huge(1000);
  second.get()[999] = 7;
  first.reset();
  EXPECT_EQ(second.get()[999], 7);
}

TEST(HugeMemory, an_impossible_size_is_an_error) {
  EXPECT_THROW(allocate_huge(std::numeric_limits<size_t>::max() - 10), Error);
  EXPECT_THROW(allocate_huge(std::numeric_limits<size_t>::max() / 4), Error);
}

}  // namespace shenbi::kernels
