#include "engine/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <unordered_map>

#include "base/error.h"
#include "base/random.h"

namespace shenbi::engine {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

template <class T>
void require(bool fine, std::string_view field, T value, std::string_view allowed) {
  if (!fine) throw Error(Code::kInvalidArgument, fmt::format("{} is {}, allowed: {}", field, value, allowed));
}

// Greater logit first, then lower id: one order, so that results do not depend on how a list was cut.
constexpr auto kByRank = [](const auto& a, const auto& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
};

}  // namespace

void SamplingParams::check(uint32_t vocab_size) const {
  // Written as "not (in range)" so that NaN fails.
  require(temperature >= 0 && temperature <= 100, "temperature", temperature, "0 to 100");
  require(top_p > 0 && top_p <= 1, "top_p", top_p, "more than 0, at most 1");
  require(min_p >= 0 && min_p <= 1, "min_p", min_p, "0 to 1");
  require(typical_p > 0 && typical_p <= 1, "typical_p", typical_p, "more than 0, at most 1");
  require(repetition_penalty > 0 && repetition_penalty <= 100, "repetition_penalty", repetition_penalty,
          "more than 0, at most 100");
  require(std::abs(frequency_penalty) <= 100, "frequency_penalty", frequency_penalty, "-100 to 100");
  require(std::abs(presence_penalty) <= 100, "presence_penalty", presence_penalty, "-100 to 100");
  require(dry.multiplier >= 0 && dry.multiplier <= 100, "dry_multiplier", dry.multiplier, "0 to 100");
  require(dry.base >= 1 && dry.base <= 10, "dry_base", dry.base, "1 to 10");
  for (const auto& [id, bias] : logit_bias) {
    require(id >= 0 && static_cast<uint32_t>(id) < vocab_size, "logit_bias token", id,
            fmt::format("0 to {}", vocab_size - 1));
    require(!std::isnan(bias), "logit_bias", bias, "a number");
  }
}

Sampler::Sampler(SamplingParams params, uint32_t vocab_size) : params_(std::move(params)) {
  params_.check(vocab_size);
  std::random_device device;
  seed_ = params_.seed ? *params_.seed : (static_cast<uint64_t>(device()) << 32) | device();
}

Sampler::Choice Sampler::sample(std::span<float> logits, std::span<const int32_t> history, size_t prompt_length,
                                uint64_t step, bool with_logprob) {
  if (params_.temperature > 0 || with_logprob) {  // argmax passes over NaN by itself
    for (float& logit : logits) {
      if (std::isnan(logit)) logit = kMinusInfinity;
    }
  }
  const double normaliser = with_logprob ? log_sum_exp(logits) : 0;
  // The model's own log-probability is reported, so it is looked up before anything changes the chosen logit. Only
  // penalties and biases change logits in place; they keep what they overwrote.
  std::unordered_map<int32_t, float> original;
  const bool changes = !params_.logit_bias.empty() || params_.repetition_penalty != 1.0f ||
                       params_.frequency_penalty != 0 || params_.presence_penalty != 0 || params_.dry.multiplier > 0;
  if (changes) {
    for (int32_t id : history) original.try_emplace(id, logits[static_cast<size_t>(id)]);
    for (const auto& [id, bias] : params_.logit_bias) original.try_emplace(id, logits[static_cast<size_t>(id)]);
    for (const auto& [id, bias] : params_.logit_bias) logits[static_cast<size_t>(id)] += bias;
    penalise(logits, history, prompt_length);
    apply_dry(logits, history);
  }
  const auto choice = [&](int32_t id) {
    const auto kept = original.find(id);
    const float logit = kept == original.end() ? logits[static_cast<size_t>(id)] : kept->second;
    return Choice{id, with_logprob ? static_cast<float>(logit - normaliser) : 0.0f};
  };
  if (params_.temperature == 0) return choice(static_cast<int32_t>(kernels::argmax(logits.data(), logits.size())));

  gather(logits);
  if (params_.typical_p < 1) cut_typical();
  double total = 0;
  for (const Candidate& c : candidates_) total += c.probability;
  double left = Philox(seed_).uniform64(step) * total;
  for (const Candidate& c : candidates_) {
    left -= c.probability;
    if (left < 0) return choice(c.id);
  }
  return choice(candidates_.back().id);  // rounding used up the last of it
}

void Sampler::penalise(std::span<float> logits, std::span<const int32_t> history, size_t prompt_length) const {
  if (params_.repetition_penalty != 1.0f) {
    std::vector<int32_t> seen(history.begin(), history.end());
    std::sort(seen.begin(), seen.end());
    seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    for (int32_t id : seen) {
      float& logit = logits[static_cast<size_t>(id)];
      logit = logit > 0 ? logit / params_.repetition_penalty : logit * params_.repetition_penalty;
    }
  }
  if (params_.frequency_penalty != 0 || params_.presence_penalty != 0) {
    std::unordered_map<int32_t, uint32_t> counts;
    for (int32_t id : history.subspan(prompt_length)) ++counts[id];
    for (const auto& [id, count] : counts) {
      logits[static_cast<size_t>(id)] -=
          params_.frequency_penalty * static_cast<float>(count) + params_.presence_penalty;
    }
  }
}

void Sampler::apply_dry(std::span<float> logits, std::span<const int32_t> history) const {
  const DryParams& dry = params_.dry;
  if (dry.multiplier == 0) return;
  if (history.size() > dry.last_n) history = history.last(dry.last_n);
  // The run that may be repeated ends at the newest token and starts after the last breaker.
  size_t longest = 0;
  while (longest < history.size() && std::find(dry.breaker_ids.begin(), dry.breaker_ids.end(),
                                               history[history.size() - 1 - longest]) == dry.breaker_ids.end()) {
    ++longest;
  }
  // match[i]: how many tokens before position i equal the tokens before the end, i.e. the Z function of the reversed
  // history, linear in its length.
  const size_t n = history.size();
  const auto reversed = [&](size_t i) { return history[n - 1 - i]; };
  std::vector<size_t> z(n, 0);
  for (size_t i = 1, left = 0, right = 0; i < n; ++i) {
    if (i < right) z[i] = std::min(right - i, z[i - left]);
    while (i + z[i] < n && reversed(z[i]) == reversed(i + z[i])) ++z[i];
    if (i + z[i] > right) left = i, right = i + z[i];
  }
  std::unordered_map<int32_t, size_t> run_of;  // token that would continue a run -> longest such run
  for (size_t i = 1; i < n; ++i) {
    const size_t run = std::min(z[i], longest);
    if (run < std::max<size_t>(dry.allowed_length, 1)) continue;
    size_t& best = run_of[reversed(i - 1)];
    best = std::max(best, run);
  }
  for (const auto& [id, run] : run_of) {
    const float power = std::pow(dry.base, static_cast<float>(run - std::max<size_t>(dry.allowed_length, 1)));
    logits[static_cast<size_t>(id)] -= std::min(dry.multiplier * power, 1e6f);
  }
}

// Fills candidates_ with what temperature, top-k, top-p and min-p leave, in order of rank, probabilities not
// normalised.
void Sampler::gather(std::span<const float> logits) {
  const float highest = kernels::max(logits.data(), logits.size());
  const float temperature = params_.temperature;
  candidates_.clear();
  if (params_.top_k > 0 && params_.top_k < logits.size()) {
    kernels::top_k(logits.data(), logits.size(), params_.top_k, best_);
    for (const auto& entry : best_) candidates_.push_back({static_cast<int32_t>(entry.index), entry.score, 0});
  } else {
    // A token e^-40 below the best can not be drawn with 53 random bits: leave it out of the sort.
    const float floor = highest - 40.0f * temperature;
    for (size_t i = 0; i < logits.size(); ++i) {
      if (logits[i] >= floor) candidates_.push_back({static_cast<int32_t>(i), logits[i], 0});
    }
  }
  if (candidates_.empty()) candidates_.push_back({0, highest, 1});  // every logit was -infinity
  std::sort(candidates_.begin(), candidates_.end(), kByRank);
  double total = 0;
  for (Candidate& c : candidates_) {
    c.probability = std::exp((static_cast<double>(c.logit) - highest) / temperature);
    total += c.probability;
  }
  size_t keep = candidates_.size();
  if (params_.top_p < 1) {
    double sum = 0;
    for (keep = 0; keep < candidates_.size() && sum < params_.top_p * total; ++keep)
      sum += candidates_[keep].probability;
  }
  if (params_.min_p > 0) {
    while (keep > 1 && candidates_[keep - 1].probability < params_.min_p * candidates_[0].probability) --keep;
  }
  candidates_.resize(std::max<size_t>(keep, 1));
}

// Keeps the tokens whose surprise is nearest to the entropy until they hold typical_p of the mass.
void Sampler::cut_typical() {
  double total = 0, entropy = 0;
  for (const Candidate& c : candidates_) total += c.probability;
  for (const Candidate& c : candidates_) {
    const double p = c.probability / total;
    if (p > 0) entropy -= p * std::log(p);
  }
  const auto distance = [&](const Candidate& c) { return std::abs(-std::log(c.probability / total) - entropy); };
  std::stable_sort(candidates_.begin(), candidates_.end(),
                   [&](const Candidate& a, const Candidate& b) { return distance(a) < distance(b); });
  double sum = 0;
  size_t keep = 0;
  while (keep < candidates_.size() && sum < params_.typical_p * total) sum += candidates_[keep++].probability;
  candidates_.resize(std::max<size_t>(keep, 1));
  std::sort(candidates_.begin(), candidates_.end(), kByRank);
}

double log_sum_exp(std::span<const float> logits) noexcept {
  const float highest = *std::max_element(logits.begin(), logits.end());
  if (!std::isfinite(highest)) return highest;
  double sum = 0;
  for (float logit : logits) sum += std::exp(logit - highest);  // f32 exp, f64 sum: 1e-7 relative over 262,144 terms
  return highest + std::log(sum);
}

Sampler::TopLogprobs top_logprobs(std::span<const float> logits, uint32_t k) {
  struct Ranked {
    int32_t id;
    float logit;
  };
  std::vector<Ranked> heap;  // the k best so far, worst on top
  for (size_t i = 0; i < logits.size(); ++i) {
    const Ranked entry{static_cast<int32_t>(i), logits[i]};
    if (heap.size() < k) {
      heap.push_back(entry);
      std::push_heap(heap.begin(), heap.end(), kByRank);
    } else if (k > 0 && kByRank(entry, heap.front())) {
      std::pop_heap(heap.begin(), heap.end(), kByRank);
      heap.back() = entry;
      std::push_heap(heap.begin(), heap.end(), kByRank);
    }
  }
  std::sort(heap.begin(), heap.end(), kByRank);
  const double normaliser = log_sum_exp(logits);
  Sampler::TopLogprobs out;
  for (const Ranked& r : heap) out.emplace_back(r.id, static_cast<float>(r.logit - normaliser));
  return out;
}

}  // namespace shenbi::engine
