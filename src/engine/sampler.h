#pragma once
// From logits to one token. A draw depends only on the logits, the history of its own sequence, the seed and the step:
// never on the batch around it.
//
//   Sampler sampler(params, vocab_size);
//   Sampler::Choice choice = sampler.sample(logits, history, prompt_length, step);
//
// Order of the stages (the one vLLM and transformers use): logit bias, repetition / frequency / presence penalties,
// DRY, what a grammar allows, then either argmax (temperature 0; ties go to the lowest id) or temperature, top-k,
// top-p, min-p, typical, draw.
//
// A draw goes down the tokens by rank, so only as many are ranked as it needs: the sum over the vocabulary says when
// enough mass is at hand. Ranking all 262,144 tokens of Gemma takes 23 ms, the sum and the best 256 take 0.2 ms.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/rows.h"

namespace shenbi::engine {

/// "Don't Repeat Yourself": a token that would continue a repeated run of n >= allowed_length tokens loses
/// multiplier * base^(n - allowed_length) from its logit. A run does not cross a breaker token.
struct DryParams {
  float multiplier = 0;  ///< 0 switches it off
  float base = 1.75f;
  uint32_t allowed_length = 2;
  uint32_t last_n = 1024;            ///< how far back repetitions are searched
  std::vector<int32_t> breaker_ids;  ///< filled from breaker strings by the engine
};

struct SamplingParams {
  float temperature = 1.0f;  ///< 0: greedy
  uint32_t top_k = 0;        ///< 0: all
  float top_p = 1.0f;
  float min_p = 0.0f;               ///< keep p >= min_p * p_max
  float typical_p = 1.0f;           ///< locally typical sampling (Meister et al. 2022)
  float repetition_penalty = 1.0f;  ///< over prompt and output (Keskar et al. 2019)
  float frequency_penalty = 0.0f;   ///< times the count in the output
  float presence_penalty = 0.0f;    ///< once if the output has the token
  DryParams dry;
  std::map<int32_t, float> logit_bias;
  std::optional<uint64_t> seed;  ///< absent: a new one each time

  /// Throws Error{kInvalidArgument} naming the field, its value and what is allowed.
  void check(uint32_t vocab_size) const;
};

class Sampler {
 public:
  struct Choice {
    int32_t id;
    float
        logprob;  ///< natural log of the probability under the model (before temperature and cuts); 0 if not asked for
  };
  using TopLogprobs = std::vector<std::pair<int32_t, float>>;

  Sampler(SamplingParams params, uint32_t vocab_size);

  /// `history` holds prompt and output so far, the first `prompt_length` of it the prompt; `step` counts the draws.
  /// `logits` [vocab_size] may be changed. A logit that is NaN counts as -infinity. Without `with_logprob` the sum over
  /// the vocabulary is saved. `allowed`: one bit a token, the others are not drawn; empty: all are. Where it allows
  /// none, the choice is one that it does not allow.
  Choice sample(std::span<float> logits, std::span<const int32_t> history, size_t prompt_length, uint64_t step,
                bool with_logprob = true, std::span<const uint64_t> allowed = {});

  /// How many of the largest logits (and their ties) a choice without logprob and mask depends on; the others may be
  /// -infinity. 0: on all.
  uint32_t needs_best() const noexcept;

  const SamplingParams& params() const noexcept { return params_; }
  uint64_t seed() const noexcept { return seed_; }

 private:
  struct Candidate {
    uint32_t index;
    float logit;
    double probability;  // times a factor that all share
  };
  bool changes_logits() const noexcept;
  void penalise(std::span<float> logits, std::span<const int32_t> history, size_t prompt_length) const;
  void apply_dry(std::span<float> logits, std::span<const int32_t> history) const;
  int32_t choose(std::span<float> logits, std::span<const uint64_t> allowed, uint64_t step);
  size_t choose(std::span<const float> row, uint64_t step);
  bool rank(std::span<const float> row, size_t count, float highest);
  size_t kept(double total) const;
  double mass() const;
  size_t pick(double uniform, double total) const;
  void cut_typical();

  SamplingParams params_;
  uint64_t seed_;
  // Scratch, kept between draws.
  std::vector<Candidate> candidates_;  // by rank
  std::vector<kernels::Scored> best_;
  std::vector<int32_t> allowed_ids_;
  std::vector<float> allowed_logits_;
};

/// log(sum(exp(logits))) in double.
double log_sum_exp(std::span<const float> logits) noexcept;

/// The k most probable tokens, most probable first, with natural log-probabilities; ties by lower id.
Sampler::TopLogprobs top_logprobs(std::span<const float> logits, uint32_t k);

}  // namespace shenbi::engine
