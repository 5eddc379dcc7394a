#include "eval/perplexity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "base/error.h"
#include "engine/sampler.h"
#include "eval/rows.h"

namespace shenbi::eval {

Perplexity perplexity(const engine::Model& model, std::span<const int32_t> tokens, const PerplexityOptions& options,
                      ThreadTeam& team, const std::function<void(size_t, size_t)>& progress) {
  const uint32_t longest = model.decoder->spec().context_length;
  const uint32_t context = options.context ? options.context : std::min(2048u, longest);
  const uint32_t stride = options.stride ? options.stride : std::max(context / 2, 1u);
  if (context < 2 || context > longest) {
    throw Error(Code::kInvalidArgument, fmt::format("context is {}, allowed: 2 to {}", context, longest));
  }
  if (stride >= context)
    throw Error(Code::kInvalidArgument, fmt::format("stride is {}, allowed: 1 to {}", stride, context - 1));
  const auto& tokenizer = *model.tokenizer;
  const size_t bos = tokenizer.adds_bos() && tokenizer.bos() ? 1 : 0;
  if (bos && !tokens.empty() && tokens[0] == *tokenizer.bos()) tokens = tokens.subspan(1);
  if (tokens.size() + bos < 2) throw Error(Code::kInvalidArgument, "the text has fewer than 2 tokens");

  double sum = 0, sum_of_squares = 0;
  size_t scored = 0;
  const size_t room = context - bos;
  size_t next = 1 - bos;  // first token not scored yet; without a bos nothing predicts token 0
  for (size_t end = std::min(tokens.size(), room); next < tokens.size(); end = std::min(tokens.size(), next + stride)) {
    const size_t begin = end > room ? end - room : 0;
    const auto part = tokens.subspan(begin, end - begin);
    std::vector<int32_t> window;
    window.reserve(bos + part.size());
    if (bos) window.push_back(*tokenizer.bos());
    std::copy(part.begin(), part.end(), std::back_inserter(window));
    for_each_row(model, window, team, [&](size_t i, std::span<float> logits) {
      const size_t target = begin + i + 1 - bos;  // row i of the window predicts this token of the text
      if (target >= end || target < next) return;
      const double nll = engine::log_sum_exp(logits) - logits[static_cast<size_t>(tokens[target])];
      sum += nll;
      sum_of_squares += nll * nll;
      ++scored;
    });
    next = end;
    if (progress) progress(next, tokens.size());
  }
  Perplexity result;
  result.scored_tokens = scored;
  result.mean_nll = sum / static_cast<double>(scored);
  result.perplexity = std::exp(result.mean_nll);
  const double variance =
      std::max(0.0, sum_of_squares / static_cast<double>(scored) - result.mean_nll * result.mean_nll);
  result.standard_error = std::sqrt(variance / static_cast<double>(scored));
  return result;
}

}  // namespace shenbi::eval
