#pragma once
// A GGUF file in fewer bits: every tensor re-encoded to what a mix says, the metadata kept.
//
//   quantize_file(*Checkpoint::open("model-f16.gguf"), "model-q4_k_m.gguf", *kernels::find_quant_mix("Q4_K_M"), team);
//
// Tensors are read, encoded and written one after the other, in slices, so memory stays small whatever the model's
// size; the result has its name only when it is whole.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/thread_team.h"
#include "formats/checkpoint.h"
#include "kernels/quant_mix.h"

namespace shenbi::formats {

struct QuantizeProgress {
  std::string tensor;  ///< just finished
  std::string_view from, to;
  uint64_t index = 0, count = 0;
};

struct QuantizeResult {
  uint64_t source_bytes = 0, written_bytes = 0;  ///< of tensor data
};

/// `source` must be GGUF. A source that is already quantised loses twice: it is refused unless `allow_requantize`.
/// Throws Error{kInvalidArgument, kUnsupported, kCorruptFile}.
QuantizeResult quantize_file(const Checkpoint& source, const std::filesystem::path& target,
                             const kernels::QuantMix& mix, ThreadTeam& team, bool allow_requantize = false,
                             const std::function<void(const QuantizeProgress&)>& progress = {});

}  // namespace shenbi::formats
