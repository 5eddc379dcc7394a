#include "engine/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
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

// A token e^-40 below the best can not be drawn with 53 random bits.
constexpr float kNoChance = 40;
// Most draws from a language model at temperature 1 end within these; the others go on to 8 times as many.
constexpr size_t kRankedAtFirst = 256;

// Sum of exp((x - highest) / temperature), to 1e-6: in f32 by blocks that stay in the first-level cache.
double mass_of(std::span<const float> row, float highest, float temperature) {
  std::array<float, 4096> block;
  const float factor = 1 / temperature;
  double sum = 0;
  while (!row.empty()) {
    const auto part = row.first(std::min(block.size(), row.size()));
    for (size_t i = 0; i < part.size(); ++i) {
      const float exponent = (part[i] - highest) * factor;
      block[i] = exponent <= 0 ? exponent : kMinusInfinity;  // NaN is not
    }
    kernels::exp(block.data(), part.size(), block.data());
    sum += static_cast<double>(kernels::sum(block.data(), part.size()));
    row = row.subspan(part.size());
  }
  return sum;
}

// Most words of such a mask are all ones, so whole words go first.
void forbid_others(std::span<float> logits, std::span<const uint64_t> allowed) {
  for (size_t word = 0; word < allowed.size(); ++word) {
    for (uint64_t bits = ~allowed[word]; bits != 0; bits &= bits - 1) {
      const size_t id = word * 64 + static_cast<size_t>(std::countr_zero(bits));
      if (id < logits.size()) logits[id] = kMinusInfinity;
    }
  }
}

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
                                uint64_t step, bool with_logprob, std::span<const uint64_t> allowed) {
  if (with_logprob) {  // the choice passes over NaN by itself
    for (float& logit : logits) {
      if (std::isnan(logit)) logit = kMinusInfinity;
    }
  }
  const double normaliser = with_logprob ? log_sum_exp(logits) : 0;
  // The model's own log-probability is reported, so it is looked up before anything changes the chosen logit. Only
  // penalties and biases change logits in place; they keep what they overwrote.
  std::unordered_map<int32_t, float> original;
  if (changes_logits()) {
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
  return choice(choose(logits, allowed, step));
}

bool Sampler::changes_logits() const noexcept {
  return !params_.logit_bias.empty() || params_.repetition_penalty != 1.0f || params_.frequency_penalty != 0 ||
         params_.presence_penalty != 0 || params_.dry.multiplier > 0;
}

// What is changed may have been outside the best before, or leave them.
uint32_t Sampler::needs_best() const noexcept {
  if (changes_logits()) return 0;
  return params_.temperature == 0 ? 1 : params_.top_k;
}

// Where a grammar leaves less than half of the vocabulary, only that is looked at: for a keyword or a digit it is less
// work than free text. Otherwise (within a string) the few others lose every chance.
int32_t Sampler::choose(std::span<float> logits, std::span<const uint64_t> allowed, uint64_t step) {
  size_t count = 0;
  for (const uint64_t word : allowed) count += static_cast<size_t>(std::popcount(word));
  if (allowed.empty() || count > logits.size() / 2) {
    forbid_others(logits, allowed);
    return static_cast<int32_t>(choose(logits, step));
  }
  if (count == 0) return 0;
  allowed_ids_.clear();
  allowed_logits_.clear();
  for (size_t word = 0; word < allowed.size(); ++word) {
    for (uint64_t bits = allowed[word]; bits != 0; bits &= bits - 1) {
      const size_t id = word * 64 + static_cast<size_t>(std::countr_zero(bits));
      allowed_ids_.push_back(static_cast<int32_t>(id));
      allowed_logits_.push_back(logits[id]);
    }
  }
  return allowed_ids_[choose(allowed_logits_, step)];
}

// Which of the row's elements.
size_t Sampler::choose(std::span<const float> row, uint64_t step) {
  const float highest = params_.temperature == 0 ? kMinusInfinity : kernels::max(row.data(), row.size());
  if (!std::isfinite(highest)) return kernels::argmax(row.data(), row.size());
  const bool top_k = params_.top_k > 0 && params_.top_k < row.size(), typical = params_.typical_p < 1;
  const bool cuts = params_.top_p < 1 || params_.min_p > 0;
  const double uniform = Philox(seed_).uniform64(step);
  const double total = top_k || typical ? 0 : mass_of(row, highest, params_.temperature);
  for (size_t count = top_k ? params_.top_k : typical ? row.size() : kRankedAtFirst;; count *= 8) {
    const bool complete = rank(row, count, highest) || top_k;
    const size_t keep = kept(complete ? mass() : total);
    if (complete || keep < candidates_.size()) {
      candidates_.resize(keep);
      if (typical) cut_typical();
      return pick(uniform, mass());
    }
    if (!cuts && uniform * total < mass()) return pick(uniform, total);
  }
}

// Fills candidates_ with the best `count` of the row. True if the rest cannot be drawn.
bool Sampler::rank(std::span<const float> row, size_t count, float highest) {
  const float temperature = params_.temperature;
  const float floor = highest - kNoChance * temperature;
  kernels::top_k(row.data(), row.size(), count, best_);
  candidates_.clear();
  for (const auto& [logit, index] : best_) {
    if (logit < floor) return true;
    candidates_.push_back({index, logit, std::exp((static_cast<double>(logit) - highest) / temperature)});
  }
  return count >= row.size();
}

// How many of the candidates top-p and min-p leave, if all that top-p is a share of has the mass `total`.
size_t Sampler::kept(double total) const {
  size_t keep = candidates_.size();
  if (params_.top_p < 1) {
    double sum = 0;
    for (keep = 0; keep < candidates_.size() && sum < params_.top_p * total; ++keep)
      sum += candidates_[keep].probability;
  }
  if (params_.min_p > 0) {
    while (keep > 1 && candidates_[keep - 1].probability < params_.min_p * candidates_[0].probability) --keep;
  }
  return std::max<size_t>(keep, 1);
}

double Sampler::mass() const {
  double sum = 0;
  for (const Candidate& c : candidates_) sum += c.probability;
  return sum;
}

size_t Sampler::pick(double uniform, double total) const {
  double left = uniform * total;
  for (const Candidate& c : candidates_) {
    left -= c.probability;
    if (left < 0) return c.index;
  }
  return candidates_.back().index;  // rounding used up the last of it
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
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.index < b.index;
  });
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
