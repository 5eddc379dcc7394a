#pragma once
// The one door to weights in matrix products: a matrix packed for the fast kernels, opaque to everyone above.
//
//   PackedMatrix w = PackedMatrix::pack(*type, bytes, rows, columns, Precision::kInt8, team);
//   Activations x;
//   x.reserve(max_tokens, columns);                       // outside the thread region
//   team.run([&](Lane& lane) {
//     x.quantize(lane, values, tokens, columns, w.form());  // each lane its share of tokens; then
//     lane.barrier();
//     w.multiply(lane, x.last(), out, out_stride);        // out[t * stride + row]; each lane its share of rows
//     lane.barrier();
//   });
//
// Truth: multiply() gives, bit for bit, the same f32 for a (row, token) whatever the number of tokens in the call, the
// number of lanes and the instruction set (scalar, AVX2, AVX-512); only which NaN a NaN is may differ. Per output
// element the sum runs over groups of 32 columns in ascending order: acc = fma(float(int dot of the group) * weight
// scale, activation scale, acc). The whole definition and the layouts: docs/kernels.md.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/thread_team.h"
#include "kernels/packed_layout.h"
#include "kernels/quant_type.h"

namespace shenbi::kernels {

/// How activations enter a product with quantised weights. Float weights (F32, F16, BF16) always use f32 activations.
enum class Precision : uint8_t {
  kInt8,   ///< int8, one f32 scale per 32 columns
  kInt16,  ///< two int8 terms with the same scale / 254: 16-bit activations, for the head
};

/// What a matrix wants its activations to look like; equal forms can share one quantised copy.
enum class ActivationForm : uint8_t { kF32, kInt8, kInt16 };

/// Rows of activations in one form, as they lie in an Activations: a view, cheap to copy.
struct ActivationBatch {
  ActivationView view = {};
  size_t columns = 0;
  ActivationForm form = ActivationForm::kF32;

  /// Rows [first, first + count) as a batch of their own.
  ActivationBatch rows(size_t first, size_t count) const noexcept;
};

/// Room for a batch of activation rows prepared for products: [tokens, columns].
class Activations {
 public:
  /// Makes room for `tokens` rows of `columns` in any form; never shrinks. Not thread-safe.
  void reserve(size_t tokens, size_t columns);

  /// Where such a batch lies; the same for the same arguments until the next reserve().
  ActivationBatch batch(size_t tokens, size_t columns, ActivationForm form) const noexcept;

  /// Converts rows [row_begin, row_end) and columns [column_begin, column_end) (bounds in multiples of 64, or
  /// `columns`) of `x` into `to`. Whoever has computed a part of `x` may convert it. What lies in a row's padding does
  /// not matter. A group of 32 with an infinity or NaN makes every product with it NaN.
  static void convert(const ActivationBatch& to, const float* x, size_t stride, size_t row_begin, size_t row_end,
                      size_t column_begin, size_t column_end) noexcept;

  /// SPMD, in ThreadTeam::run(): every lane calls it with the same arguments and converts its share. A barrier is
  /// needed before last() is used, and before the next quantize().
  void quantize(Lane& lane, const float* x, size_t tokens, size_t columns, size_t stride, ActivationForm form) noexcept;
  const ActivationBatch& last() const noexcept { return last_; }  ///< what quantize() made

 private:
  std::shared_ptr<uint8_t> storage_;
  size_t capacity_ = 0;
  ActivationBatch last_;
};

/// Of the layouts and of how rows are woven into them; a new number whenever packed() of any type changes.
inline constexpr uint32_t kPackedVersion = 1;

/// Immutable after pack(); safe to use from many threads and many teams at once.
class PackedMatrix {
 public:
  PackedMatrix() = default;

  /// Packs `rows` x `columns` weights of `type` lying row after row at `data` (row_bytes(columns) each). Parallel over
  /// the team; peak memory is the source plus the packed form. `data` is not kept.
  /// Throws Error{kUnsupported} if the type cannot be multiplied, Error{kInvalidArgument} on sizes it cannot divide.
  static PackedMatrix pack(const QuantType& type, const std::byte* data, size_t rows, size_t columns,
                           Precision precision, ThreadTeam& team);

  /// The packed bytes, for keeping: they depend on type, sizes, `data` and kPackedVersion alone, neither on the
  /// instruction set nor on the number of lanes. Valid as long as the matrix.
  std::span<const std::byte> packed() const noexcept;

  /// A matrix of packed bytes that were kept. They are not copied; `owner` keeps them alive. Any bytes are safe (they
  /// are numbers); the right ones are the caller's care. Nothing if `bytes` are not as many as pack() would make of
  /// these sizes, or do not begin at a multiple of 64.
  static std::optional<PackedMatrix> restore(const QuantType& type, std::span<const std::byte> bytes,
                                             std::shared_ptr<const void> owner, size_t rows, size_t columns,
                                             Precision precision);

  size_t rows() const noexcept;
  size_t columns() const noexcept;
  /// Bytes of the packed form: what one token must read.
  size_t bytes() const noexcept;
  ActivationForm form() const noexcept;
  bool empty() const noexcept { return impl_ == nullptr; }

  /// out[t * out_stride + r] = sum over k of w[r, k] * x[t, k], for all tokens of `x` and this lane's share of the
  /// rows, in ThreadTeam::run(). `x` must have form() and the same columns. No barrier inside.
  void multiply(Lane& lane, const ActivationBatch& x, float* out, size_t out_stride) const noexcept;

  /// The same for rows [row_begin, row_end) only, without a lane. Bounds in multiples of 16 or rows().
  void multiply_rows(size_t row_begin, size_t row_end, const ActivationBatch& x, float* out,
                     size_t out_stride) const noexcept;

  /// How many pieces of a phase (Lane::pieces) the rows make.
  size_t pieces(int lanes) const noexcept;
  /// The rows of one of `count` pieces, which need not be as many as pieces() says. Piece by piece they lie where the
  /// lane with that share packed them.
  std::pair<size_t, size_t> rows_of(size_t piece, size_t count) const noexcept;

  struct Impl;

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace shenbi::kernels
