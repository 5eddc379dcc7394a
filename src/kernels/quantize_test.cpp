#include "kernels/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace shenbi::kernels {
namespace {

std::vector<float> random_matrix(size_t rows, size_t columns) {
  std::vector<float> values(rows * columns);
  const Philox random(42);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 0.02f * random.normal(i);
  return values;
}

std::vector<std::byte> bytes_of(const QuantType& type, const std::vector<float>& values, size_t columns, int threads,
                                std::span<const float> importance = {}) {
  ThreadTeam team(threads);
  std::vector<std::byte> bytes(values.size() / columns * type.row_bytes(columns));
  quantize(values.data(), values.size() / columns, columns, importance, type, bytes.data(), team);
  return bytes;
}

}  // namespace

TEST(Quantize, gives_the_same_bytes_on_any_number_of_threads_and_as_one_call_of_the_encoder_would) {
  constexpr size_t kRows = 5, kColumns = 2304;  // pieces of 1024, 1024 and 256
  const std::vector<float> values = random_matrix(kRows, kColumns);
  for (const QuantType* type : all_quant_types()) {
    if (!type->encode) continue;
    std::vector<std::byte> expected(kRows * type->row_bytes(kColumns));
    type->encode(values.data(), values.size() / type->block_elements, nullptr, expected.data());
    for (const int threads : {1, 2, 3}) EXPECT_EQ(bytes_of(*type, values, kColumns, threads), expected) << type->name;
  }
}

TEST(Quantize, lays_importance_onto_the_columns_of_every_row) {
  constexpr size_t kColumns = 2048;
  const std::vector<float> row = random_matrix(1, kColumns);
  std::vector<float> importance(kColumns);
  for (size_t i = 0; i < kColumns; ++i) importance[i] = 0.1f + static_cast<float>(i % 13);
  std::vector<float> twice = row;
  twice.insert(twice.end(), row.begin(), row.end());
  const QuantType& type = *find_quant_type("Q4_K");
  const auto one = bytes_of(type, row, kColumns, 1, importance), two = bytes_of(type, twice, kColumns, 2, importance);
  EXPECT_NE(one, bytes_of(type, row, kColumns, 1));
  EXPECT_EQ(std::vector(two.begin(), two.begin() + one.size()), one);
  EXPECT_EQ(std::vector(two.begin() + one.size(), two.end()), one);
}

TEST(Quantize, converts_between_quantised_types_through_floats_and_copies_equal_types) {
  constexpr size_t kRows = 3, kColumns = 768;
  ThreadTeam team(2);
  const QuantType &from = *find_quant_type("Q8_0"), &to = *find_quant_type("Q6_K");
  const auto source = bytes_of(from, random_matrix(kRows, kColumns), kColumns, 1);
  std::vector<float> values(kRows * kColumns);
  dequantize(from, source.data(), kRows, kColumns, values.data(), team);
  std::vector<std::byte> target(kRows * to.row_bytes(kColumns)), copy(source.size());
  convert(from, source.data(), kRows, kColumns, {}, to, target.data(), team);
  EXPECT_EQ(target, bytes_of(to, values, kColumns, 1));
  convert(from, source.data(), kRows, kColumns, {}, from, copy.data(), team);
  EXPECT_EQ(copy, source);
}

TEST(Quantize, refuses_columns_that_blocks_do_not_divide_types_without_an_encoder_and_importance_of_another_length) {
  ThreadTeam team(1);
  std::vector<float> values(640);
  std::vector<std::byte> out(4096);
  const std::vector<float> importance(639, 1.0f);
  const auto message = [&](const char* type, std::span<const float> weights) -> std::string {
    try {
      quantize(values.data(), 1, 640, weights, *find_quant_type(type), out.data(), team);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message("Q4_K", {}), "quantize: 640 columns are not whole Q4_K blocks of 256");
  EXPECT_EQ(message("IQ2_XXS", {}), "quantize: type IQ2_XXS can be read but not written");
  EXPECT_EQ(message("Q8_0", importance), "quantize: importance of 639 weights for 640 columns");
  EXPECT_EQ(message("Q8_0", {}), "");
}

TEST(Quantize, does_nothing_to_a_matrix_without_rows_or_columns) {
  ThreadTeam team(2);
  EXPECT_NO_THROW(quantize(nullptr, 0, 256, {}, *find_quant_type("Q4_K"), nullptr, team));
  EXPECT_NO_THROW(quantize(nullptr, 7, 0, {}, *find_quant_type("Q4_K"), nullptr, team));
}

}  // namespace shenbi::kernels
