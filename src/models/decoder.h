#pragma once
// A loaded decoder, ready for inference: spec plus packed weights. The fused path; its oracle is models/composed.h.
//
//   auto decoder = Decoder::load(checkpoint, {.context_length = 4096}, team);
//   decoder->forward(batch, pool, workspace, team, logits);
//
// Immutable after load and thread-safe as long as each caller has its own workspace and its own pages.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/thread_team.h"
#include "formats/cache_folder.h"
#include "formats/checkpoint.h"
#include "kernels/packed_matrix.h"
#include "models/decoder_spec.h"
#include "models/pass_profile.h"

namespace shenbi::models {

/// Positions per KV page. 32: at most 31 of a sequence's positions are wasted, and one page of one head is the tile
/// that the attention kernel works on.
inline constexpr uint32_t kPagePositions = 32;

/// Where keys and values live: `pages` pages, each holding kPagePositions positions of all layers and KV heads.
/// The engine owns the memory and decides which page belongs to whom; the decoder only reads and writes through page
/// ids.
struct KvPool {
  std::byte* base = nullptr;  ///< 64-byte aligned, pages * page_bytes
  size_t page_bytes = 0;      ///< Decoder::kv_page_bytes()
  uint32_t pages = 0;
};

/// A run of new tokens of one sequence. Positions start .. start + tokens.size() - 1; keys of earlier positions are
/// already in the pages. Page p of the list holds positions [32p, 32p + 32).
struct SequenceSlice {
  std::span<const int32_t> tokens;
  uint32_t start = 0;
  std::span<const uint32_t> pages;  ///< enough for start + tokens.size() positions
  bool all_logits = false;          ///< logits of every token; else of the last one only, if wants_logits
  bool wants_logits = true;         ///< false: an inner chunk of a prompt
  /// Only so many of its largest logits are needed (and their ties); the others may come out as -infinity. 0: all.
  /// Heeded where the decoder has a coarse head and this slice alone wants logits.
  uint32_t best_logits = 0;
};

/// Scratch memory of a forward pass; grows to the largest batch seen.
class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;
  /// Of the last pass: the states behind the final norm of the rows that wanted logits, in slice order
  /// [rows, embedding_size].
  const float* hidden() const noexcept;

  /// From now on passes add their times here; null: no longer. Not owned.
  void record(PassProfile* profile) noexcept;

  struct Impl;
  Impl& impl() noexcept { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// Whether the head has a coarse form as well, which answers faster where only the largest logits are needed, and costs
/// memory.
enum class CoarseHeadUse : uint8_t {
  kWhereItPays,  ///< a large vocabulary whose head is a large part of what a token reads
  kNever,
  kWherePossible,
};

struct DecoderOptions {
  uint32_t context_length = 0;      ///< 0: the model's own. More than the model's own is Error{kInvalidArgument}
  uint32_t context_length_cap = 0;  ///< with context_length 0: at most this (0: no cap)
  kernels::Precision head_precision = kernels::Precision::kInt16;
  /// The down projection of a dense MLP: its input has the widest range of all and, in int8, the largest share of the
  /// error.
  kernels::Precision down_precision = kernels::Precision::kInt16;
  kernels::Precision precision = kernels::Precision::kInt8;  ///< everything else
  CoarseHeadUse coarse_head = CoarseHeadUse::kWhereItPays;
  formats::CacheFolder cache;  ///< where packed weights and compiled vocabularies are kept; by default nowhere
  /// Polled between matrices: true ends the load with Error{kCancelled}.
  const std::atomic<bool>* cancelled = nullptr;
};

class Decoder {
 public:
  /// Reads the architecture from the checkpoint, checks every parameter's shape against the spec, packs the weights.
  /// Throws Error{kUnsupported} naming an unknown architecture, Error{kCorruptFile} naming tensor, expected and found
  /// shape.
  static std::shared_ptr<const Decoder> load(std::shared_ptr<const formats::Checkpoint> checkpoint,
                                             const DecoderOptions& options, ThreadTeam& team);
  ~Decoder();

  /// Throws Error{kCorruptFile} naming the file that is no longer what was opened: one of the model's, or that of its
  /// kept weights. What was computed since may come from zeros.
  void require_whole() const;

  const DecoderSpec& spec() const noexcept;
  size_t weight_bytes() const noexcept;     ///< packed weights resident
  size_t bytes_per_token() const noexcept;  ///< weights that the step of one greedy sequence reads
  bool has_coarse_head() const noexcept;
  /// Whether a pass with so many rows of logits answers from it.
  bool uses_coarse_head(size_t rows, uint32_t best_logits) const noexcept;
  size_t kv_page_bytes() const noexcept;
  /// What the ops of a pass must read and compute for one token.
  OpCosts costs() const noexcept;

  /// Runs all slices through the model in one pass: embeds, writes keys and values into the pages, and stores logits.
  /// `logits` receives vocab_size floats for each row that wants them, in slice order; returns the number of rows
  /// written. With `logits` null the output head is left out and only Workspace::hidden() is filled. `cancelled`, if
  /// given, is polled between layers: when it turns true the pass stops and returns 0 (the pages of these slices then
  /// hold garbage from `start` on; earlier positions are untouched). Token ids must be < vocab_size. The result for a
  /// slice does not depend on the other slices, on how a sequence is cut into slices, or on the number of threads.
  size_t forward(std::span<const SequenceSlice> slices, const KvPool& pool, Workspace& workspace, ThreadTeam& team,
                 float* logits, const std::atomic<bool>* cancelled = nullptr) const;

  struct Impl;

 private:
  explicit Decoder(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace shenbi::models
