#include "models/coarse_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace shenbi::models {
namespace {

constexpr size_t kLeaders = 8;        // of a piece
constexpr size_t kMostFirst = 128;    // panels
constexpr size_t kPiecesOfLane = 32;  // none of which is long

std::string kind_of_head() { return fmt::format("coarse-{}.{}", kernels::kPackedVersion, kernels::kCoarseVersion); }

std::optional<CoarseHead> restored(const CoarseSource& source, const formats::CacheKey& key, ThreadTeam& team) {
  CoarseHead head;
  head.kept = source.folder.find(key, kind_of_head(), &team);
  if (!head.kept) return std::nullopt;
  std::vector<std::span<const std::byte>> parts;
  for (size_t i = 0; i < kernels::CoarseMatrix::kParts; ++i) parts.push_back(head.kept->part(i));
  auto matrix = kernels::CoarseMatrix::restore(parts, head.kept, source.vocab_size, source.columns);
  if (!matrix) return std::nullopt;
  head.matrix = *std::move(matrix);
  return head;
}

}  // namespace

std::optional<CoarseHead> load_coarse_head(const CoarseSource& source, ThreadTeam& team) {
  const bool keeps = !source.folder.empty() && !source.checkpoint.files().empty();
  const formats::CacheKey key = keeps ? formats::cache_key(source.checkpoint) : formats::CacheKey{};
  if (keeps) {
    if (auto head = restored(source, key, team)) return head;
  }
  const std::vector<float> energy = source.energy();
  auto matrix =
      kernels::CoarseMatrix::make(source.type, source.rows().data(), source.vocab_size, source.columns, energy, team);
  if (!matrix) return std::nullopt;
  CoarseHead head;
  head.matrix = *std::move(matrix);
  if (!keeps) return head;
  std::vector<formats::CachePart> parts;
  const auto owner = std::make_shared<const kernels::CoarseMatrix>(head.matrix);
  for (const auto bytes : owner->parts()) parts.push_back({parts.size(), bytes});
  head.pending = source.folder.keep(key, kind_of_head(), *source.checkpoint.files().front(), std::move(parts), owner);
  return head;
}

// ---------------------------------------------------------------- search

void CoarseSearch::reserve(const kernels::CoarseMatrix& matrix, int lanes) {
  input_.reserve(matrix);
  bounds_.resize((matrix.rows() + kernels::kPanelRows - 1) / kernels::kPanelRows);
  pieces_ = kPiecesOfLane * static_cast<size_t>(lanes);
  leaders_.resize(pieces_ * kLeaders);
  first_.resize(std::min(kMostFirst, bounds_.size()));
  values_.reserve(first_.size() * kernels::kPanelRows);
}

void CoarseSearch::bound(const kernels::CoarseMatrix& matrix, size_t piece, size_t begin, size_t end,
                         float* logits) noexcept {
  constexpr size_t kRows = kernels::kPanelRows;
  const size_t last = std::min(end * kRows, matrix.rows());
  matrix.bound(begin * kRows, last, input_, bounds_.data() + begin);
  std::fill(logits + begin * kRows, logits + last, -std::numeric_limits<float>::infinity());
  // The few highest, by insertion: hardly any panel gets past the first comparison.
  Panel* best = leaders_.data() + piece * kLeaders;
  std::fill_n(best, kLeaders, Panel{-std::numeric_limits<float>::infinity(), UINT32_MAX});
  for (size_t panel = begin; panel < end; ++panel) {
    if (!(bounds_[panel] > best[kLeaders - 1].bound)) continue;
    size_t at = kLeaders - 1;
    for (; at > 0 && best[at - 1].bound < bounds_[panel]; --at) best[at] = best[at - 1];
    best[at] = {bounds_[panel], static_cast<uint32_t>(panel)};
  }
}

// A few more panels than there are wanted logits: their exact values give a threshold near the final one.
void CoarseSearch::choose_first(size_t best) noexcept {
  constexpr size_t kMore = 7;
  const size_t pieces = std::min(pieces_, bounds_.size());
  const auto end = std::remove_if(leaders_.begin(), leaders_.begin() + static_cast<ptrdiff_t>(pieces * kLeaders),
                                  [](const Panel& p) { return p.panel == UINT32_MAX; });
  const size_t found = static_cast<size_t>(end - leaders_.begin());
  chosen_ = std::min({best + kMore, first_.size(), found});
  std::partial_sort_copy(
      leaders_.begin(), end, first_.begin(), first_.begin() + static_cast<ptrdiff_t>(chosen_),
      [](const Panel& a, const Panel& b) { return a.bound != b.bound ? a.bound > b.bound : a.panel < b.panel; });
}

// The best-th largest of what is known exactly is at most the best-th largest of all.
void CoarseSearch::set_threshold(size_t best, size_t rows, const float* logits) noexcept {
  values_.clear();
  for (size_t i = 0; i < chosen_; ++i) {
    const size_t begin = size_t{first_[i].panel} * kernels::kPanelRows;
    values_.insert(values_.end(), logits + begin, logits + std::min(begin + kernels::kPanelRows, rows));
  }
  threshold_ = -std::numeric_limits<float>::infinity();
  if (values_.size() < best) return;
  const auto at = values_.begin() + static_cast<ptrdiff_t>(best - 1);
  std::nth_element(values_.begin(), at, values_.end(), std::greater<>());
  threshold_ = *at;
}

}  // namespace shenbi::models
