#pragma once
// The output head where only the largest logits are wanted: a coarse pass over the vocabulary bounds every panel of 16
// rows, and only the panels that can hold one of the best are multiplied exactly (kernels/coarse_matrix.h). Inner
// header of models.
//
// What comes out is what the whole head gives: every logit that may be among the `best` largest, ties included, is
// there with the same bits; the others are the same or -infinity.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/thread_team.h"
#include "formats/cache_folder.h"
#include "kernels/coarse_matrix.h"
#include "nn/fused_linear.h"

namespace shenbi::models {

/// The head's coarse form, and where it lies.
struct CoarseHead {
  kernels::CoarseMatrix matrix;
  std::shared_ptr<const formats::CacheFile> kept;      ///< of an earlier load; null: made now
  std::unique_ptr<formats::PendingCacheFile> pending;  ///< on its way to the disk
};

/// What a coarse form is made from.
struct CoarseSource {
  const formats::Checkpoint& checkpoint;
  const formats::CacheFolder& folder;
  const kernels::QuantType& type;
  std::function<std::span<const std::byte>()> rows;  ///< of the head, as the file has them
  std::function<std::vector<float>()> energy;        ///< mean squares of the head's input
  size_t vocab_size, columns;
};

/// More than so many best logits are not searched for: with 64 the panels that may hold them cost about what the coarse
/// pass saves (docs/kernels.md).
inline constexpr uint32_t kMostBestLogits = 40;

/// Restored, or made and kept. Nothing if the weights do not allow it.
std::optional<CoarseHead> load_coarse_head(const CoarseSource& source, ThreadTeam& team);

/// One pass's search for the best logits of one row.
class CoarseSearch {
 public:
  void reserve(const kernels::CoarseMatrix& matrix, int lanes);

  /// Before the phases below, by one lane. `x`: the head's input.
  void prepare(const kernels::CoarseMatrix& matrix, const float* x, kernels::ActivationForm exact) noexcept {
    input_.prepare(matrix, x, exact);
  }
  bool usable() const noexcept { return input_.usable(); }

  /// Three phases. `multiply(begin, end)` stores the exact logits of these rows.
  template <class Multiply>
  void run(Lane& lane, const kernels::CoarseMatrix& matrix, size_t best, float* logits, Multiply&& multiply) noexcept {
    const size_t panels = bounds_.size(), pieces = std::min(pieces_, panels);
    const auto begin_of = [&](size_t piece) { return panels * piece / pieces; };
    lane.pieces(
        pieces, [&](size_t i) { bound(matrix, i, begin_of(i), begin_of(i + 1), logits); }, [&] { choose_first(best); });
    const auto exact = [&](size_t panel) {
      const size_t begin = panel * kernels::kPanelRows;
      multiply(begin, std::min(begin + kernels::kPanelRows, matrix.rows()));
    };
    lane.pieces(
        first_.size(),
        [&](size_t i) {
          if (i < chosen_) exact(first_[i].panel);
        },
        [&] { set_threshold(best, matrix.rows(), logits); });
    lane.pieces(pieces, [&](size_t i) {
      for (size_t panel = begin_of(i); panel < begin_of(i + 1); ++panel)
        if (!(bounds_[panel] < threshold_)) exact(panel);
    });
  }

 private:
  struct Panel {
    float bound;
    uint32_t panel;
  };
  void bound(const kernels::CoarseMatrix& matrix, size_t piece, size_t begin, size_t end, float* logits) noexcept;
  void choose_first(size_t best) noexcept;
  void set_threshold(size_t best, size_t rows, const float* logits) noexcept;

  kernels::CoarseInput input_;
  std::vector<float> bounds_;   ///< of each panel
  std::vector<Panel> leaders_;  ///< [pieces][kLeaders] the highest bounds of each piece
  std::vector<Panel> first_;    ///< of all; chosen_ of them are multiplied first, which gives the threshold
  std::vector<float> values_;   ///< of these
  size_t pieces_ = 0, chosen_ = 0;
  float threshold_ = 0;
};

}  // namespace shenbi::models
