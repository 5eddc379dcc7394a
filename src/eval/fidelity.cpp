#include "eval/fidelity.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "engine/sampler.h"
#include "eval/rows.h"
#include "models/composed.h"

namespace shenbi::eval {
namespace {

// KL(p || q) in nats from two rows of logits; terms with p = 0 add nothing.
double divergence(std::span<const float> p_logits, double p_norm, std::span<const float> q_logits, double q_norm) {
  double sum = 0;
  for (size_t i = 0; i < p_logits.size(); ++i) {
    const double log_p = p_logits[i] - p_norm;
    if (log_p < -60) continue;  // below e^-60 a term cannot reach the sum's rounding
    sum += std::exp(log_p) * (log_p - (q_logits[i] - q_norm));
  }
  return sum;
}

size_t best(std::span<const float> row) {
  return static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

}  // namespace

Fidelity fidelity(const engine::Model& model, std::span<const int32_t> tokens, ThreadTeam& team,
                  const std::function<void(size_t, size_t)>& progress) {
  if (tokens.empty()) throw Error(Code::kInvalidArgument, "the text has no tokens");
  const size_t vocab = model.decoder->spec().vocab_size;
  std::vector<float> fast(tokens.size() * vocab);
  for_each_row(model, tokens, team, [&](size_t i, std::span<float> logits) {
    std::copy(logits.begin(), logits.end(), fast.begin() + static_cast<ptrdiff_t>(i * vocab));
  });

  Fidelity result;
  double sum = 0, sum_of_squares = 0;
  size_t agreed = 0, predicted = 0;
  const auto compare = [&](size_t i, std::span<const float> reference) {
    const auto row = std::span<const float>(fast).subspan(i * vocab, vocab);
    const double reference_norm = engine::log_sum_exp(reference), fast_norm = engine::log_sum_exp(row);
    const double kl = divergence(reference, reference_norm, row, fast_norm);
    sum += kl;
    sum_of_squares += kl * kl;
    result.max_kl = std::max(result.max_kl, kl);
    agreed += best(reference) == best(row);
    if (i + 1 < tokens.size()) {
      const auto next = static_cast<size_t>(tokens[i + 1]);
      result.reference_nll += reference_norm - reference[next];
      result.fast_nll += fast_norm - row[next];
      ++predicted;
    }
  };
  const auto composed = models::ComposedDecoder::from(models::describe(model.checkpoint));
  composed.visit_logits(tokens, team, [&](size_t first, const tensor::Tensor& logits) {
    const auto rows = static_cast<size_t>(logits.shape()[0]);
    for (size_t r = 0; r < rows; ++r) compare(first + r, logits.values<float>().subspan(r * vocab, vocab));
    if (progress) progress(first + rows, tokens.size());
  });

  const auto n = static_cast<double>(tokens.size());
  result.positions = tokens.size();
  result.mean_kl = sum / n;
  result.standard_error = std::sqrt(std::max(0.0, sum_of_squares / n - result.mean_kl * result.mean_kl) / n);
  result.top1_agreement = static_cast<double>(agreed) / n;
  if (predicted > 0) {
    result.reference_nll /= static_cast<double>(predicted);
    result.fast_nll /= static_cast<double>(predicted);
  }
  return result;
}

}  // namespace shenbi::eval
