#pragma once
// What a loaded decoder and its scratch memory consist of. Inner header of models.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "formats/cache_folder.h"
#include "kernels/attention.h"
#include "models/coarse_head.h"
#include "models/decoder.h"
#include "nn/fused_attention.h"
#include "nn/fused_mlp.h"
#include "nn/fused_moe.h"
#include "nn/fused_norm.h"

namespace shenbi::models {

struct FusedLayer {
  nn::FusedNorm attention_norm, attention_post_norm, mlp_norm, mlp_post_norm;
  nn::FusedAttention attention;
  nn::FusedMlp mlp;  ///< unused where moe is set
  std::optional<nn::FusedMoe> moe;
  nn::FormSet mlp_forms;       ///< what the MLP wants its input to be
  size_t shape = 0;            ///< index into Decoder::Impl::shapes
  std::optional<size_t> rope;  ///< index into Decoder::Impl::ropes
  size_t kv_offset = 0;        ///< of the layer's part in a page
};

/// Rows of a matrix as the file has them, decoded when they are looked up.
struct RowTable {
  const kernels::QuantType* type = nullptr;
  const std::byte* data = nullptr;
  size_t columns = 0;
  std::vector<std::byte> owned;  ///< `data`, where the file does not have the rows in one piece

  void row(size_t index, float* out) const noexcept {
    type->decode(data + index * type->row_bytes(columns), columns / type->block_elements, out);
  }
};

struct Decoder::Impl {
  uint64_t id = 0;                                        ///< differs between all decoders of the process
  std::shared_ptr<const formats::Checkpoint> checkpoint;  ///< keeps the maps of `embedding` alive
  std::shared_ptr<const formats::CacheFile> kept;         ///< packed weights of an earlier load; null: packed now
  DecoderSpec spec;                                       ///< context_length is the one that was asked for
  RowTable embedding;
  std::vector<float> positions;  ///< [rows, d], learned
  nn::FusedNorm embedding_norm, output_norm;
  nn::FusedLinear head;
  std::optional<CoarseHead> coarse_head;
  std::vector<float> head_scale;  ///< [vocab] 1 / length of each row of the head, if normalised
  std::vector<FusedLayer> layers;
  std::vector<kernels::AttentionShape> shapes;  ///< the different ones among the layers
  std::vector<std::vector<float>> slopes;       ///< what shapes[i].alibi_slopes points to
  std::vector<nn::RopeSpec> ropes;              ///< the different ones among the layers
  size_t kv_page_bytes = 0;
  size_t weight_bytes = 0;
  size_t bytes_per_token = 0;
  std::unique_ptr<formats::PendingCacheFile> pending_cache;  ///< packed weights on their way to the disk
};

/// One token of a pass.
struct PassRow {
  int32_t token;
  uint32_t position;
  uint32_t page;  ///< id of the page that holds the position
};

struct Workspace::Impl {
  /// Makes room for a pass of `tokens` rows, of which `logits` go through the head, up to position `positions`.
  void reserve(const Decoder::Impl& decoder, size_t tokens, size_t logits, size_t positions, int lanes);

  std::vector<PassRow> rows;
  std::vector<uint32_t> wanted;       ///< indices of the rows that want logits
  std::vector<float> x;               ///< [tokens, d] the residual stream
  std::vector<float> normed;          ///< [tokens, d]
  std::vector<float> block, block2;   ///< [tokens, d] what attention and MLP answer
  std::vector<float> q, k, v, mixed;  ///< [tokens, heads * dim]
  std::vector<float> gate, up;        ///< [tokens, width]
  std::vector<float> last;            ///< [logits, d] normalised
  nn::FusedInput input, mlp_input, mixed_input, middle_input, head_input;
  CoarseSearch search;
  uint32_t best_logits = 0;  ///< of the only row that wants logits; 0: all
  nn::MoeScratch moe;
  std::vector<kernels::RopeTable> ropes;  ///< as Decoder::Impl::ropes
  std::vector<kernels::AttentionPlan> plans;
  std::vector<kernels::AttentionSequence> sequences;
  uint64_t decoder_id = 0;  ///< whose ropes these are
  PassProfile* profile = nullptr;
};

}  // namespace shenbi::models
