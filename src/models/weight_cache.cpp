#include "models/weight_cache.h"

#include <fmt/format.h>

#include "base/checksum.h"

namespace shenbi::models {
namespace {

std::string kind_of_weights() { return fmt::format("weights-{}", kernels::kPackedVersion); }

uint64_t tag_of(const MatrixSource& source) {
  return checksum(
      fmt::format("{} {} {} {} {}", source.parameter, source.begin, source.end, source.type.name, source.columns));
}

}  // namespace

WeightCache::WeightCache(const formats::CacheFolder& folder, const formats::Checkpoint& checkpoint, ThreadTeam& team)
    : folder_(folder), checkpoint_(checkpoint) {
  if (folder_.empty() || checkpoint.files().empty()) return;
  key_ = formats::cache_key(checkpoint);
  kept_ = folder_.find(key_, kind_of_weights(), &team);
}

kernels::PackedMatrix WeightCache::matrix(const MatrixSource& source,
                                          const std::function<kernels::PackedMatrix()>& pack) {
  if (key_.text.empty()) return pack();
  const uint64_t tag = tag_of(source);
  std::optional<kernels::PackedMatrix> matrix;
  if (kept_) {
    matrix = kernels::PackedMatrix::restore(source.type, kept_->part(tag), kept_, source.end - source.begin,
                                            source.columns, source.precision);
  }
  if (!matrix) {
    complete_ = false;
    matrix = pack();
  }
  matrices_.push_back(*matrix);
  parts_.push_back({tag, matrix->packed()});
  return *std::move(matrix);
}

std::unique_ptr<formats::PendingCacheFile> WeightCache::keep_new() {
  if (complete_ || parts_.empty()) return nullptr;
  auto owner = std::make_shared<std::vector<kernels::PackedMatrix>>(std::move(matrices_));
  return folder_.keep(key_, kind_of_weights(), *checkpoint_.files().front(), std::move(parts_), std::move(owner));
}

}  // namespace shenbi::models
