#pragma once
// A second, smaller form of a large matrix that says of each row how large its product can be at most, so that the
// exact product is only needed for the few rows that can be among the largest.
//
//   auto coarse = CoarseMatrix::make(type, bytes, rows, columns, energy, team);
//   CoarseInput input;
//   input.reserve(*coarse);                        // outside the thread region
//   input.prepare(*coarse, x, exact.form());       // one token
//   if (input.usable()) coarse->bound(begin, end, input, bounds);   // one bound for each panel of 16 rows
//
// The columns that carry most of the activations' energy ("strong") are kept in 8 bits, the others in 4, and with each
// row the length of what was lost, d. By Cauchy and Schwarz a product is at most the coarse one + |d| |x|; with the
// rounding of both products and of the activations added, the bound holds for what PackedMatrix computes, bit for bit.
// Which columns are called strong changes how tight it is, never whether it holds. Figures: docs/kernels.md.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/thread_team.h"
#include "kernels/packed_matrix.h"

namespace shenbi::kernels {

/// Of what parts() holds; a new number whenever it changes.
inline constexpr uint32_t kCoarseVersion = 1;

class CoarseMatrix {
 public:
  /// Bytes that one token reads; 0 if a matrix of so many columns cannot have a coarse form.
  static size_t bytes_of(size_t rows, size_t columns) noexcept;

  /// From rows of `type` as PackedMatrix::pack() takes them. `energy` [columns]: mean squares of activations. Nothing
  /// if a weight is not finite.
  static std::optional<CoarseMatrix> make(const QuantType& type, const std::byte* data, size_t rows, size_t columns,
                                          std::span<const float> energy, ThreadTeam& team);

  /// For keeping, in this order; valid as long as the matrix.
  static constexpr size_t kParts = 5;
  std::vector<std::span<const std::byte>> parts() const;
  /// From kept parts, which `owner` keeps alive. Nothing if they do not fit the sizes.
  static std::optional<CoarseMatrix> restore(const std::vector<std::span<const std::byte>>& parts,
                                             const std::shared_ptr<const void>& owner, size_t rows, size_t columns);

  size_t rows() const noexcept { return strong_.rows(); }
  size_t columns() const noexcept { return strong_.columns() + weak_.columns(); }
  size_t bytes() const noexcept { return strong_.bytes() + weak_.bytes() + errors_.size_bytes(); }

  /// bounds[i]: at least the largest exact product of the panel of rows [begin + 16 i, begin + 16 i + 16). `begin` a
  /// multiple of 16, `end` too or rows(). Only of a usable input.
  void bound(size_t begin, size_t end, const class CoarseInput& x, float* bounds) const noexcept;

 private:
  friend class CoarseInput;
  struct Header {
    float longest_row;  ///< at least the length of every row, as it is and coarse
    float balance;      ///< errors of strong columns count so much more in errors_
  };

  PackedMatrix strong_, weak_;
  std::span<const float> errors_;    ///< [rows] lengths of what was lost
  std::span<const uint32_t> order_;  ///< [columns] strong ones first
  Header header_ = {};
  std::shared_ptr<const void> owner_;  ///< of the spans
};

/// A token's activations as a coarse matrix wants them.
class CoarseInput {
 public:
  void reserve(const CoarseMatrix& matrix);

  /// `x` [columns]; `exact`: the form in which the exact products take it.
  void prepare(const CoarseMatrix& matrix, const float* x, ActivationForm exact) noexcept;

  /// False where nothing can be said: activations that are not finite, or an exact form that is too rough.
  bool usable() const noexcept { return usable_; }

 private:
  friend class CoarseMatrix;
  std::vector<float> ordered_;
  Activations strong_, weak_;
  float length_ = 0;  ///< of x, strong columns divided by the balance
  float slack_ = 0;   ///< everything else that the bound must cover
  bool usable_ = false;
};

}  // namespace shenbi::kernels
