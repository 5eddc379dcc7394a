// One set of tests over the whole registry of storage types. tests/golden/quant/ holds what the reference
// implementation makes of the same pseudo-random blocks (tools/make_quant_fixtures.py).
#include "kernels/quant_type.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace shenbi::kernels {
namespace {

constexpr size_t kBlocks = 2048;

/// Sebastiano Vigna's splitmix64 as a function of the counter; the script that makes the fixtures has the same.
uint64_t splitmix(uint64_t index, uint64_t seed) {
  uint64_t z = (index + 1 + seed) * 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

std::vector<std::byte> random_blocks(const QuantType& type, size_t blocks) {
  std::vector<std::byte> bytes(blocks * type.block_bytes);
  const uint64_t seed = static_cast<uint64_t>(type.gguf_id) << 32;
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(splitmix(i / 8, seed) >> (8 * (i % 8)));
  }
  return bytes;
}

/// Bits of a float, all NaN being one: their payload is not a promise.
uint32_t float_bits(float value) { return std::isnan(value) ? 0x7FC00000u : std::bit_cast<uint32_t>(value); }

uint64_t digest(const std::vector<float>& values) {
  uint64_t sum = 0;
  for (size_t i = 0; i < values.size(); ++i) sum += float_bits(values[i]) * (2 * uint64_t{i} + 1);
  return sum;
}

struct Expected {
  uint32_t gguf_id, block_bytes, block_elements;
  uint64_t digest;
};

std::map<std::string, Expected> read_digests() {
  std::ifstream file(SHENBI_SOURCE_DIR "/tests/golden/quant/digests.txt");
  std::map<std::string, Expected> rows;
  std::string name;
  Expected row;
  while (file >> name >> std::dec >> row.gguf_id >> row.block_bytes >> row.block_elements >> std::hex >> row.digest) {
    rows[name] = row;
  }
  return rows;
}

/// The rows that GGUF knows, which are those the fixtures cover.
std::vector<const QuantType*> gguf_types() {
  std::vector<const QuantType*> types;
  for (const QuantType* type : all_quant_types()) {
    if (type->gguf_id < kFirstNonGgufTypeId) types.push_back(type);
  }
  return types;
}

std::vector<float> decode(const QuantType& type, const std::vector<std::byte>& bytes) {
  const size_t blocks = bytes.size() / type.block_bytes;
  std::vector<float> values(blocks * type.block_elements);
  type.decode(bytes.data(), blocks, values.data());
  return values;
}

}  // namespace

TEST(QuantTypes, decode_as_the_reference_does_bit_for_bit_whatever_the_blocks_hold) {
  const auto expected = read_digests();
  ASSERT_EQ(expected.size(), 33u);
  EXPECT_EQ(gguf_types().size(), expected.size());
  for (const QuantType* type : gguf_types()) {
    SCOPED_TRACE(std::string(type->name));
    const auto row = expected.find(std::string(type->name));
    ASSERT_NE(row, expected.end());
    EXPECT_EQ(type->gguf_id, row->second.gguf_id);
    EXPECT_EQ(type->block_bytes, row->second.block_bytes);
    EXPECT_EQ(type->block_elements, row->second.block_elements);
    EXPECT_EQ(digest(decode(*type, random_blocks(*type, kBlocks))), row->second.digest);
  }
}

TEST(QuantTypes, decode_the_stored_blocks_to_the_stored_floats) {
  for (const QuantType* type : gguf_types()) {
    SCOPED_TRACE(std::string(type->name));
    std::ifstream file(SHENBI_SOURCE_DIR "/tests/golden/quant/" + std::string(type->name) + ".bin", std::ios::binary);
    const std::string data{std::istreambuf_iterator<char>(file), {}};
    const size_t block_size = type->block_bytes + 4 * type->block_elements;
    ASSERT_GT(data.size(), 0u);
    ASSERT_EQ(data.size() % block_size, 0u);
    const size_t blocks = data.size() / block_size;
    std::vector<std::byte> bytes(blocks * type->block_bytes);
    std::vector<float> expected(blocks * type->block_elements);
    std::memcpy(bytes.data(), data.data(), bytes.size());
    std::memcpy(expected.data(), data.data() + bytes.size(), 4 * expected.size());
    const std::vector<float> values = decode(*type, bytes);
    for (size_t i = 0; i < values.size(); ++i)
      ASSERT_EQ(float_bits(values[i]), float_bits(expected[i])) << "value " << i;
  }
}

TEST(QuantTypes, split_gives_integers_and_scales_that_make_the_decoded_floats_again) {
  for (const QuantType* type : all_quant_types()) {
    if (!type->split) continue;
    SCOPED_TRACE(std::string(type->name));
    const auto bytes = random_blocks(*type, kBlocks);
    const std::vector<float> values = decode(*type, bytes);
    std::vector<int8_t> q(values.size());
    std::vector<float> scale(values.size() / 16), min(values.size() / 16);
    type->split(bytes.data(), kBlocks, q.data(), scale.data(), min.data());
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(float_bits(scale[i / 16] * q[i] - min[i / 16]), float_bits(values[i])) << "value " << i;
    }
  }
}

TEST(QuantTypes, plain_types_have_no_split_and_quantised_types_have_one) {
  for (const QuantType* type : all_quant_types()) {
    EXPECT_EQ(type->split != nullptr, type->block_elements > 1) << type->name;
  }
}

TEST(QuantTypes, are_found_by_id_and_by_name_in_any_case) {
  for (const QuantType* type : all_quant_types()) {
    EXPECT_EQ(find_quant_type(type->gguf_id), type);
    EXPECT_EQ(find_quant_type(type->name), type);
  }
  ASSERT_NE(find_quant_type("q4_k"), nullptr);
  EXPECT_EQ(find_quant_type("q4_k")->gguf_id, 12u);
  EXPECT_EQ(find_quant_type("Q9_Z"), nullptr);
  EXPECT_EQ(find_quant_type(4u), nullptr);  // an id that GGUF has retired
}

TEST(QuantTypes, count_the_bytes_of_a_row) {
  EXPECT_EQ(find_quant_type("Q4_K")->row_bytes(2048), 8u * 144);
  EXPECT_EQ(find_quant_type("Q8_0")->row_bytes(640), 20u * 34);
  EXPECT_EQ(find_quant_type("F16")->row_bytes(3), 6u);
}

}  // namespace shenbi::kernels
