#pragma once
// How packed weights and prepared activations lie in memory, and the table of kernels that read them. Drawn in
// docs/kernels.md; plain data only, because translation units of every instruction set include this file.
//
// Quantised weights: panels of 16 rows. A panel is a run of units, each unit_columns wide, fields in the order of use
// and headers first, so that one product reads strictly ascending addresses: a header behind its weights, or the same
// bytes as separate planes, cost up to two thirds of the memory bandwidth. Codes lie as [step][row][4 columns]: 64
// bytes are one operand of an int8 dot instruction.
//
//   kQ8_0      64 columns   64 B f16 scales [2][16] | 2 x 512 B codes + 128
//   kQ5_0      64 columns   64 B f16 scales [2][16] | 2 x (64 B fifth bits | 256 B nibbles)
//   kQ4_0      64 columns   64 B f16 scales [2][16] | 2 x 256 B nibbles
//   kQ4K      256 columns   128 B [8][16] low four bits of scale | of min << 4, 64 B [4][16] their high bits (scale g,
//                           min g, scale g+4, min g+4), 32 B f16 d [16], 32 B f16 dmin [16] | 8 x 256 B nibbles
//   kQ5K      256 columns   the same header | 8 x (64 B fifth bits | 256 B nibbles)
//   kQ6K      256 columns   32 B f16 d [16] | 4 x (64 B int8 scales [4][16] | 4 x (128 B nibbles | 64 B high bits))
//   kAffine*   32 columns   f32 scales [1 or 2][16] | f32 minima [0, 1 or 2][16] | 512 B codes + 128
//
// 256 B of nibbles: byte [j][row][i], j < 4: low nibble is column 4j + i, high nibble is column 16 + 4j + i. 64 B of
// fifth bits: byte [row][i], bit s is bit 4 of column 4s + i. Q6_K works in 16 columns: byte [j][row][i], j < 2:
// columns 4j + i and 8 + 4j + i; high bits: byte [row][i], bits 2s and 2s+1 belong to column 4s + i.
//
// Float weights: panels of 64 rows (the last may have 16, 32 or 48), so that four independent sums hide the latency of
// the multiply-add without ever splitting a sum. Columns come in pairs; for each pair, 16 rows after the other:
//
//   kF32    [column of the pair][panel rows] f32
//   kBf16   [panel rows][2 columns]          bf16
//   kF16    [panel rows / 16][2 columns][16] f16

#include <cstddef>
#include <cstdint>

namespace shenbi::kernels {

enum class PackedLayout : uint8_t {
  kF32,
  kF16,
  kBf16,
  kQ8_0,
  kQ5_0,
  kQ4_0,
  kQ4K,
  kQ5K,
  kQ6K,
  kAffine32,     ///< a scale for 32 columns
  kAffine32Min,  ///< and a minimum
  kAffine16,     ///< a scale for 16 columns
  kAffine16Min,  ///< and a minimum
};

inline constexpr size_t kPanelRows = 16;
inline constexpr size_t kFloatPanelRows = 64;
inline constexpr size_t kGroupColumns = 32;       ///< columns under one activation scale
inline constexpr size_t kActivationPadding = 64;  ///< rows of activations are padded with zeros to a multiple of this

struct PackedUnit {
  uint32_t columns, bytes;
};

/// Columns and bytes of a unit of 16 rows. Float layouts: a pair of columns.
constexpr PackedUnit packed_unit(PackedLayout layout) {
  switch (layout) {
    case PackedLayout::kF32:
      return {2, 128};
    case PackedLayout::kF16:
    case PackedLayout::kBf16:
      return {2, 64};
    case PackedLayout::kQ8_0:
      return {64, 64 + 2 * 512};
    case PackedLayout::kQ5_0:
      return {64, 64 + 2 * (64 + 256)};
    case PackedLayout::kQ4_0:
      return {64, 64 + 2 * 256};
    case PackedLayout::kQ4K:
      return {256, 256 + 8 * 256};
    case PackedLayout::kQ5K:
      return {256, 256 + 8 * (64 + 256)};
    case PackedLayout::kQ6K:
      return {256, 32 + 4 * (64 + 4 * (128 + 64))};
    case PackedLayout::kAffine32:
      return {32, 64 + 512};
    case PackedLayout::kAffine32Min:
      return {32, 2 * 64 + 512};
    case PackedLayout::kAffine16:
      return {32, 2 * 64 + 512};
    case PackedLayout::kAffine16Min:
      return {32, 4 * 64 + 512};
  }
  return {0, 0};
}

constexpr bool is_float_layout(PackedLayout layout) { return layout <= PackedLayout::kBf16; }

/// A packed matrix as the kernels see it.
struct PackedView {
  PackedLayout layout;
  const uint8_t* data;
  size_t rows, columns;
  size_t panel_bytes;  ///< of 16 rows
  size_t read_ahead;   ///< bytes that a product with few tokens fetches ahead; 0 leaves it to the CPU
};

/// What belongs to 32 activations besides their codes.
struct ActivationGroup {
  float scale;                ///< x = scale * code
  float sum;                  ///< of the codes
  int32_t offset;             ///< -128 * sum: where an int8 dot product with weight codes + 128 starts
  int32_t offset_first_half;  ///< the same for the first 16 columns
};

/// A batch of activations as the kernels see it; row-major, rows padded with zeros.
struct ActivationView {
  size_t tokens, padded_columns;
  const float* f32;                    ///< or null
  const int8_t* high;                  ///< codes, or null
  const int8_t* low;                   ///< second term, or null
  const ActivationGroup* high_groups;  ///< [tokens, padded_columns / 32]
  const ActivationGroup* low_groups;
};

/// Activations whose largest magnitude in a group of 32 is below this count as zero: 127 / amax must stay finite.
inline constexpr float kSmallestAmax = 1e-36f;

/// One for each instruction set. Arithmetic: docs/kernels.md; the truth is isa/packed_scalar.cpp.
struct PackedKernels {
  /// out[t * out_stride + r] for rows [row_begin, row_end); bounds in multiples of 16 or m->rows. `scratch`:
  /// kScratchBytes, 64-byte aligned, or null (slower for many tokens).
  void (*multiply)(const PackedView* m, const ActivationView* x, size_t row_begin, size_t row_end, float* out,
                   size_t out_stride, uint8_t* scratch);
  /// One row of activations into codes; `low` and `low_groups` may be null. Writes all padded_columns.
  void (*quantize)(const float* x, size_t columns, size_t padded_columns, int8_t* high, ActivationGroup* high_groups,
                   int8_t* low, ActivationGroup* low_groups);
  /// For measure.h: reads `bytes` (a multiple of 512) as fast as it can; the result only keeps the loads alive.
  uint64_t (*read)(const uint8_t* p, size_t bytes);
  /// For measure.h: `rounds` rounds of int8 dot products in registers; returns the number of multiply and add
  /// operations.
  uint64_t (*dots)(size_t rounds);
};

/// Room for 32 unpacked rows of kStripColumns columns in the widest form (two f32 scales and minima for 32 columns).
inline constexpr size_t kStripColumns = 8192;
inline constexpr size_t kScratchBytes = kStripColumns / kGroupColumns * (32 * kGroupColumns + 4 * 32 * sizeof(float));

extern const PackedKernels kPackedScalar;
#if defined(__x86_64__)
extern const PackedKernels kPackedAvx2, kPackedAvxVnni, kPackedAvx512;
#endif

}  // namespace shenbi::kernels
