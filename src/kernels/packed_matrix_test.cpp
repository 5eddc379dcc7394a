#include "kernels/packed_matrix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/float16.h"
#include "base/random.h"
#include "kernels/isa.h"
#include "kernels/packed_pack.h"

namespace shenbi::kernels {
namespace {

struct Shape {
  size_t rows, columns, tokens;
};

std::string describe(const QuantType& type, const Shape& s) {
  return std::string(type.name) + " " + std::to_string(s.rows) + " x " + std::to_string(s.columns) + ", " +
         std::to_string(s.tokens) + " tokens";
}

/// Fast and good enough for bytes: splitmix64.
struct Words {
  uint64_t state;
  uint64_t next() {
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
  }
};

/// Blocks with arbitrary bits whose weights are all finite and of moderate size: blocks that decode to anything else
/// are drawn again, so every bit pattern of the integers occurs. Types of wide integers hardly ever hit, and get one
/// small byte.
std::vector<std::byte> random_blocks(const QuantType& type, size_t rows, size_t columns, uint64_t seed) {
  constexpr int kAttempts = 100;
  const size_t count = rows * columns / type.block_elements;
  std::vector<std::byte> blocks(count * type.block_bytes);
  std::vector<float> decoded(type.block_elements);
  Words words{seed};
  int attempts = kAttempts;
  for (size_t i = 0; i < count; ++i) {
    std::byte* block = blocks.data() + i * type.block_bytes;
    bool fine = false;
    for (int attempt = 0; !fine && attempt < attempts; ++attempt) {
      for (size_t b = 0; b < type.block_bytes; b += 8) {
        const uint64_t word = words.next();
        std::memcpy(block + b, &word, std::min<size_t>(8, type.block_bytes - b));
      }
      type.decode(block, 1, decoded.data());
      fine = true;
      for (const float w : decoded)
        fine &= std::isfinite(w) && std::fabs(w) < 1e6f && (w == 0 || std::fabs(w) > 1e-20f);
    }
    if (fine) continue;
    attempts = 1;
    std::memset(block, 0, type.block_bytes);
    block[0] = static_cast<std::byte>(words.next() & 0x3F);
  }
  return blocks;
}

std::vector<float> random_activations(size_t count, uint64_t seed) {
  std::vector<float> x(count);
  const Philox random(seed, 1);
  // Magnitudes differ between groups, as they do in models.
  for (size_t i = 0; i < count; ++i) x[i] = random.normal(i) * std::exp2(8.0f * random.uniform(count + i / 32) - 4.0f);
  return x;
}

std::vector<float> product(const PackedMatrix& w, const std::vector<float>& x, const Shape& s, ThreadTeam& team) {
  Activations prepared;
  prepared.reserve(s.tokens, s.columns);
  std::vector<float> out(s.tokens * s.rows, std::numeric_limits<float>::quiet_NaN());
  team.run([&](Lane& lane) {
    prepared.quantize(lane, x.data(), s.tokens, s.columns, s.columns, w.form());
    lane.barrier();
    w.multiply(lane, prepared.last(), out.data(), s.rows);
  });
  return out;
}

testing::AssertionResult same_bits(const std::vector<float>& a, const std::vector<float>& b, const Shape& s) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(&a[i], &b[i], 4) != 0) {
      return testing::AssertionFailure() << "token " << i / s.rows << " row " << i % s.rows << ": " << a[i] << " and "
                                         << b[i];
    }
  }
  return testing::AssertionSuccess();
}

/// Puts the choice back when a test ends.
struct IsaGuard {
  Isa before = chosen_isa();
  ~IsaGuard() {
    force_isa(before);
    force_plain_avx2(false);
  }
};

/// Every table of kernels that this machine can run: AVX2 has two.
template <class Check>
void for_each_table(const Check& check) {
  const IsaGuard guard;
  for (const Isa isa : available_isas()) {
    force_isa(isa);
    check(std::string(isa_name(isa)));
    if (isa != Isa::kAvx2 || !cpu_features().avx_vnni) continue;
    force_plain_avx2(true);
    check("avx2 without VNNI");
    force_plain_avx2(false);
  }
}

bool fits(const QuantType& type, size_t columns) { return columns % type.block_elements == 0; }

bool is_slow_in_scalar(const QuantType& type) { return type.split == nullptr; }  // a library call for each product

}  // namespace

TEST(PackedMatrix, every_type_equals_the_decoded_weights_up_to_the_rounding_of_activations) {
  const IsaGuard guard;
  force_isa(Isa::kScalar);
  ThreadTeam team(1);
  for (const QuantType* type : all_quant_types()) {
    for (const Precision precision : {Precision::kInt8, Precision::kInt16}) {
      const Shape s{19, std::max<size_t>(256, type->block_elements), 2};
      SCOPED_TRACE(describe(*type, s));
      const auto blocks = random_blocks(*type, s.rows, s.columns, 7);
      const auto x = random_activations(s.tokens * s.columns, 8);
      const auto w = PackedMatrix::pack(*type, blocks.data(), s.rows, s.columns, precision, team);
      const auto out = product(w, x, s, team);
      std::vector<float> weights(s.rows * s.columns);
      type->decode(blocks.data(), weights.size() / type->block_elements, weights.data());
      // Half a step of the group's scale a value; and f32 sums, with minima that may cancel.
      const double steps = w.form() == ActivationForm::kF32 ? 0
                           : precision == Precision::kInt8  ? 0.5 / 127
                                                            : 0.5 / 32258;
      for (size_t t = 0; t < s.tokens; ++t) {
        for (size_t r = 0; r < s.rows; ++r) {
          double expected = 0, error = 0, magnitude = 0;
          for (size_t k = 0; k < s.columns; ++k) {
            float amax = 0;
            for (size_t i = k / 32 * 32; i < k / 32 * 32 + 32; ++i)
              amax = std::max(amax, std::fabs(x[t * s.columns + i]));
            const double weight = weights[r * s.columns + k];
            expected += weight * x[t * s.columns + k];
            magnitude += std::fabs(weight) * amax;
            error += std::fabs(weight) * amax * steps * 1.001;
          }
          // Minima hide up to 15 times a weight: their f32 rounding counts as well.
          ASSERT_NEAR(out[t * s.rows + r], expected, error + magnitude * 4e-6) << "token " << t << " row " << r;
        }
      }
    }
  }
}

TEST(PackedMatrix, is_exact_when_activations_and_weights_are_small_integers) {
  ThreadTeam team(1);
  const QuantType* type = find_quant_type("Q8_0");
  ASSERT_NE(type, nullptr);
  const Shape s{5, 96, 3};
  std::vector<std::byte> blocks(s.rows * type->row_bytes(s.columns));
  std::vector<int> weights(s.rows * s.columns);
  const Philox random(3);
  for (size_t block = 0; block < s.rows * s.columns / 32; ++block) {
    const uint16_t one = f32_to_f16(1.0f);
    std::memcpy(&blocks[block * 34], &one, 2);
    for (size_t i = 0; i < 32; ++i) {
      weights[block * 32 + i] = static_cast<int8_t>(random.block(block * 32 + i)[0]);
      blocks[block * 34 + 2 + i] = static_cast<std::byte>(weights[block * 32 + i]);
    }
  }
  std::vector<float> x(s.tokens * s.columns);
  for (size_t i = 0; i < x.size(); ++i) {
    // 127 in every group makes the scale 1, so the activations are their own codes.
    x[i] = i % 32 == 0 ? 127.0f : static_cast<float>(static_cast<int>(random.block(5000 + i)[0] % 255) - 127);
  }
  const auto w = PackedMatrix::pack(*type, blocks.data(), s.rows, s.columns, Precision::kInt8, team);
  for_each_table([&](const std::string& table) {
    const auto out = product(w, x, s, team);
    for (size_t t = 0; t < s.tokens; ++t) {
      for (size_t r = 0; r < s.rows; ++r) {
        int expected = 0;
        for (size_t k = 0; k < s.columns; ++k)
          expected += weights[r * s.columns + k] * static_cast<int>(x[t * s.columns + k]);
        ASSERT_EQ(out[t * s.rows + r], static_cast<float>(expected)) << table;
      }
    }
  });
}

TEST(PackedMatrix, every_instruction_set_equals_scalar_bit_for_bit) {
  const IsaGuard guard;
  ThreadTeam team(1);
  // Each row count, column count and token count meets every type; not every combination of the three.
  const Shape shapes[] = {{1, 32, 1},     {15, 64, 2},   {16, 96, 3},   {17, 640, 4},  {33, 256, 5},
                          {33, 512, 6},   {48, 256, 7},  {33, 640, 16}, {65, 256, 17}, {33, 256, 33},
                          {50, 512, 100}, {640, 256, 1}, {17, 2048, 2}, {130, 256, 3}};
  for (const QuantType* type : all_quant_types()) {
    for (const Shape& s : shapes) {
      if (!fits(*type, s.columns)) continue;
      SCOPED_TRACE(describe(*type, s));
      const auto blocks = random_blocks(*type, s.rows, s.columns, s.rows * 31 + s.columns);
      const auto x = random_activations(s.tokens * s.columns, s.tokens);
      for (const Precision precision : {Precision::kInt8, Precision::kInt16}) {
        if (precision == Precision::kInt16 && is_slow_in_scalar(*type)) continue;  // the same path
        const auto w = PackedMatrix::pack(*type, blocks.data(), s.rows, s.columns, precision, team);
        force_isa(Isa::kScalar);
        const auto truth = product(w, x, s, team);
        for_each_table([&](const std::string& table) {
          if (table == "scalar") return;
          ASSERT_TRUE(same_bits(product(w, x, s, team), truth, s)) << table;
        });
      }
    }
  }
}

TEST(PackedMatrix, a_token_gives_the_same_bits_alone_and_in_any_batch) {
  const IsaGuard guard;
  ThreadTeam team(1);
  constexpr size_t kRows = 49, kColumns = 512, kTokens = 37;
  for (const std::string_view name : {"Q8_0", "Q5_0", "Q4_K", "Q6_K", "Q2_K", "BF16"}) {
    const QuantType* type = find_quant_type(name);
    ASSERT_NE(type, nullptr) << name;
    const auto blocks = random_blocks(*type, kRows, kColumns, 5);
    const auto x = random_activations(kTokens * kColumns, 6);
    const auto w = PackedMatrix::pack(*type, blocks.data(), kRows, kColumns, Precision::kInt8, team);
    for_each_table([&](const std::string& table) {
      const auto all = product(w, x, {kRows, kColumns, kTokens}, team);
      for (size_t t = 0; t < kTokens; t += 5) {
        const std::vector<float> one(x.begin() + t * kColumns, x.begin() + (t + 1) * kColumns);
        const auto alone = product(w, one, {kRows, kColumns, 1}, team);
        ASSERT_EQ(std::memcmp(alone.data(), &all[t * kRows], kRows * 4), 0) << name << " " << table << " " << t;
      }
    });
  }
}

TEST(PackedMatrix, the_number_of_lanes_does_not_change_a_bit) {
  for (const std::string_view name : {"Q4_K", "Q8_0", "F16", "F32"}) {
    const QuantType* type = find_quant_type(name);
    ASSERT_NE(type, nullptr) << name;
    for (const Shape& s : {Shape{640, 256, 1}, Shape{33, 512, 5}, Shape{100, 256, 40}}) {
      SCOPED_TRACE(describe(*type, s));
      const auto blocks = random_blocks(*type, s.rows, s.columns, 11);
      const auto x = random_activations(s.tokens * s.columns, 12);
      std::vector<float> one;
      for (int lanes = 1; lanes <= 3; ++lanes) {
        ThreadTeam team(lanes, false);
        const auto w = PackedMatrix::pack(*type, blocks.data(), s.rows, s.columns, Precision::kInt8, team);
        const auto out = product(w, x, s, team);
        if (lanes == 1) one = out;
        ASSERT_TRUE(same_bits(out, one, s)) << lanes << " lanes";
      }
    }
  }
}

TEST(PackedMatrix, a_range_of_rows_equals_the_same_rows_of_the_whole_and_touches_no_other) {
  ThreadTeam team(1);
  for (const std::string_view name : {"Q4_K", "BF16"}) {
    const QuantType* type = find_quant_type(name);
    ASSERT_NE(type, nullptr) << name;
    for (const size_t tokens : {1, 3, 20}) {
      const Shape s{150, 256, tokens};
      const auto blocks = random_blocks(*type, s.rows, s.columns, 21);
      const auto x = random_activations(s.tokens * s.columns, 22);
      const auto w = PackedMatrix::pack(*type, blocks.data(), s.rows, s.columns, Precision::kInt8, team);
      const auto whole = product(w, x, s, team);
      Activations prepared;
      prepared.reserve(s.tokens, s.columns);
      team.run([&](Lane& lane) { prepared.quantize(lane, x.data(), s.tokens, s.columns, s.columns, w.form()); });
      for (const auto& [begin, end] : {std::pair<size_t, size_t>{16, 48}, {48, 150}, {144, 150}, {32, 32}}) {
        std::vector<float> out(s.tokens * s.rows, -1.5f);
        w.multiply_rows(begin, end, prepared.last(), out.data(), s.rows);
        for (size_t i = 0; i < out.size(); ++i) {
          const bool inside = i % s.rows >= begin && i % s.rows < end;
          ASSERT_EQ(out[i], inside ? whole[i] : -1.5f) << name << " row " << i % s.rows << " token " << i / s.rows;
        }
      }
    }
  }
}

TEST(PackedMatrix, infinite_and_nan_activations_give_nan_and_leave_other_tokens_alone) {
  const IsaGuard guard;
  ThreadTeam team(1);
  const QuantType* type = find_quant_type("Q4_K");
  const Shape s{16, 256, 3};
  const auto blocks = random_blocks(*type, s.rows, s.columns, 31);
  auto x = random_activations(s.tokens * s.columns, 32);
  x[5] = std::numeric_limits<float>::infinity();
  x[2 * s.columns + 40] = std::numeric_limits<float>::quiet_NaN();
  for (const Precision precision : {Precision::kInt8, Precision::kInt16}) {
    const auto w = PackedMatrix::pack(*type, blocks.data(), s.rows, s.columns, precision, team);
    for_each_table([&](const std::string& table) {
      const auto out = product(w, x, s, team);
      for (size_t i = 0; i < out.size(); ++i) ASSERT_EQ(std::isnan(out[i]), i / s.rows != 1) << table;
    });
  }
}

TEST(PackedMatrix, zero_and_vanishing_activations_give_zero) {
  const IsaGuard guard;
  ThreadTeam team(1);
  const QuantType* type = find_quant_type("Q6_K");
  const Shape s{16, 256, 1};
  const auto blocks = random_blocks(*type, s.rows, s.columns, 41);
  const auto w = PackedMatrix::pack(*type, blocks.data(), s.rows, s.columns, Precision::kInt16, team);
  for (const float value : {0.0f, -0.0f, 1e-44f, 9e-37f}) {
    for_each_table([&](const std::string& table) {
      for (const float y : product(w, std::vector<float>(s.columns, value), s, team)) ASSERT_EQ(y, 0.0f) << table;
    });
  }
}

TEST(PackedMatrix, common_types_do_not_grow_by_packing) {
  ThreadTeam team(1);
  for (const std::string_view name : {"F32", "F16", "BF16", "Q4_0", "Q5_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K"}) {
    const QuantType* type = find_quant_type(name);
    ASSERT_NE(type, nullptr) << name;
    const auto blocks = random_blocks(*type, 64, 512, 51);
    EXPECT_EQ(PackedMatrix::pack(*type, blocks.data(), 64, 512, Precision::kInt8, team).bytes(), blocks.size()) << name;
  }
}

TEST(PackedMatrix, sizes_that_are_not_whole_blocks_are_refused) {
  ThreadTeam team(1);
  const QuantType* type = find_quant_type("Q4_K");
  const std::vector<std::byte> data(1024);
  const auto pack = [&](size_t rows, size_t columns) {
    return PackedMatrix::pack(*type, data.data(), rows, columns, Precision::kInt8, team);
  };
  EXPECT_THROW(pack(1, 128), Error);
  EXPECT_THROW(pack(0, 256), Error);
  EXPECT_THROW(pack(1, 0), Error);
  EXPECT_THROW(pack(size_t{1} << 60, 256), Error);
}

TEST(PackedMatrix, restored_from_its_bytes_gives_the_same_bits) {
  ThreadTeam team(2, false);
  const Shape s{48, 512, 3};
  const auto x = random_activations(s.tokens * s.columns, 62);
  for (const QuantType* type : all_quant_types()) {
    if (type->decode == nullptr) continue;
    const auto blocks = random_blocks(*type, s.rows, s.columns, 61);
    const auto packed = PackedMatrix::pack(*type, blocks.data(), s.rows, s.columns, Precision::kInt8, team);
    const auto bytes = packed.packed();
    const auto owner = std::make_shared<PackedMatrix>(packed);
    const auto restored = PackedMatrix::restore(*type, bytes, owner, s.rows, s.columns, Precision::kInt8);
    ASSERT_TRUE(restored) << type->name;
    EXPECT_EQ(restored->form(), packed.form());
    EXPECT_EQ(product(*restored, x, s, team), product(packed, x, s, team)) << type->name;
    EXPECT_FALSE(PackedMatrix::restore(*type, bytes.first(bytes.size() - 1), owner, s.rows, s.columns, {}));
    EXPECT_FALSE(PackedMatrix::restore(*type, bytes, owner, s.rows + 16, s.columns, {}));
    EXPECT_FALSE(PackedMatrix::restore(*type, bytes.subspan(1), owner, s.rows, s.columns, {}));
  }
}

// Packed bytes are kept on disks. If this fails, the layouts have changed: count kPackedVersion up, then change the
// sum.
TEST(PackedMatrix, packed_bytes_are_those_of_their_version) {
  ThreadTeam team(1);
  uint64_t sum = 0;
  for (const QuantType* type : all_quant_types()) {
    if (type->decode == nullptr) continue;
    const auto blocks = random_blocks(*type, 40, 768, 71);
    sum = checksum(PackedMatrix::pack(*type, blocks.data(), 40, 768, Precision::kInt8, team).packed(), sum);
  }
  EXPECT_EQ(kPackedVersion, 1u);
  EXPECT_EQ(sum, 18396603078865021205u);
}

}  // namespace shenbi::kernels
