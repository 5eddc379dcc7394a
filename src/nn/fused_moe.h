#pragma once
// Mixture of experts of the inference path (Shazeer et al. 2017, arXiv 1701.06538). Tokens are sorted by expert; then
// all experts together are one list of tasks (expert, strip of outputs), taken by the lanes as they become free.
//
// A visit is one (token, choice), numbered by expert and then by token. What an expert answers does not depend on which
// other tokens it serves, and answers are added in the order of a token's choices, so the result does not depend on the
// batch.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "nn/fused_linear.h"
#include "nn/fused_mlp.h"
#include "nn/spec.h"

namespace shenbi::nn {

/// Scratch of a pass, shared by all layers with experts.
class MoeScratch {
 public:
  /// Not thread-safe; never shrinks.
  void reserve(const MoeSpec& spec, size_t tokens, size_t d, FormSet input_forms, FormSet middle_forms);

 private:
  friend struct FusedMoe;
  struct Task {
    uint32_t expert;
    uint32_t begin;  ///< first output
  };

  std::vector<float> scores_;       ///< [tokens, experts]
  std::vector<float> weights_;      ///< [tokens, used]
  std::vector<uint32_t> choices_;   ///< [tokens, used] expert, best first
  std::vector<uint32_t> visits_;    ///< [tokens, used] visit
  std::vector<uint32_t> token_of_;  ///< [visits]
  std::vector<uint32_t> first_;     ///< [experts + 1] first visit of an expert
  std::vector<Task> inner_tasks_, outer_tasks_;
  std::vector<float> rows_;         ///< [visits, d] inputs, then answers
  std::vector<float> gate_, up_;    ///< [visits, width]
  std::vector<float> shared_;       ///< [tokens, d]
  std::vector<float> shared_gate_;  ///< [tokens]
  FusedInput sorted_, middle_;
};

struct FusedMoe {
  MoeSpec spec;
  FusedLinear router;
  std::vector<FusedLinear> gate, up, down;  ///< one an expert
  FusedMlp shared;
  FusedLinear shared_gate;
  FormSet input_forms;   ///< what router, shared and shared_gate want
  FormSet expert_forms;  ///< what the experts' gate and up want
  FormSet middle_forms;  ///< what the experts' down wants

  /// x [tokens, d], prepared in `input`; out [tokens, d]. SPMD, in phases of pieces; `out` is complete and visible when
  /// it returns.
  void run(Lane& lane, const float* x, const FusedInput& input, size_t tokens, MoeScratch& scratch,
           const MlpScratch& mlp, float* out, size_t d) const noexcept;

 private:
  void choose(MoeScratch& scratch, size_t token) const noexcept;
  void sort(MoeScratch& scratch, size_t tokens, size_t d) const noexcept;
  void gather(MoeScratch& scratch, const float* x, size_t visits, size_t d, size_t visit) const noexcept;
  void ask_inner(MoeScratch& scratch, size_t visits, size_t task) const noexcept;
  void ask_outer(MoeScratch& scratch, size_t visits, size_t d, size_t task) const noexcept;
  void combine(const MoeScratch& scratch, size_t token, float* out, size_t d) const noexcept;
};

}  // namespace shenbi::nn
