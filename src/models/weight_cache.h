#pragma once
// The packed weights of a model from an earlier load, and the keeping of those of this one. Inner header of models.
//
//   WeightCache cache(options.cache, *checkpoint, team);
//   kernels::PackedMatrix m = cache.matrix(wanted, [&] { return kernels::PackedMatrix::pack(...); });
//   pending = cache.keep_new();                  // after the last matrix
//
// What is restored is bit for bit what packing would give: a kept file is found by what the model's files hold and by
// the version of the packed layouts, proven by its checksums, and each matrix in it by name, type and sizes.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "formats/cache_folder.h"
#include "kernels/packed_matrix.h"

namespace shenbi::models {

/// What a matrix is made from.
struct MatrixSource {
  const std::string& parameter;  ///< rows [begin, end) of it
  uint64_t begin, end;
  const kernels::QuantType& type;
  uint64_t columns;
  kernels::Precision precision;
};

class WeightCache {
 public:
  WeightCache(const formats::CacheFolder& folder, const formats::Checkpoint& checkpoint, ThreadTeam& team);

  /// The kept matrix, or else what `pack` makes.
  kernels::PackedMatrix matrix(const MatrixSource& source, const std::function<kernels::PackedMatrix()>& pack);

  /// If something had to be packed: begins to write all matrices of this load. Null if there is nothing to write.
  std::unique_ptr<formats::PendingCacheFile> keep_new();

  /// The file of the earlier load; null if there was none.
  const std::shared_ptr<const formats::CacheFile>& kept() const noexcept { return kept_; }

 private:
  const formats::CacheFolder& folder_;
  const formats::Checkpoint& checkpoint_;
  formats::CacheKey key_;
  std::shared_ptr<const formats::CacheFile> kept_;
  bool complete_ = true;  ///< all matrices so far were kept ones
  std::vector<kernels::PackedMatrix> matrices_;
  std::vector<formats::CachePart> parts_;
};

}  // namespace shenbi::models
