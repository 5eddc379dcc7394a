#include "gateway/route_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace shenbi::gateway {
namespace {

constexpr std::string_view kAuto = "auto";
constexpr size_t kMostBytes = 1024, kMostWords = 32;  // somebody types them

std::string_view trimmed(std::string_view word) {
  while (word.starts_with(' ')) word.remove_prefix(1);
  while (word.ends_with(' ')) word.remove_suffix(1);
  return word;
}

double price_of(const Candidate& candidate) {
  if (candidate.model.local()) return 0;
  if (candidate.model.prices.empty()) return std::numeric_limits<double>::infinity();
  const catalog::Tier& tokens = candidate.model.prices.front().tokens;
  if (!tokens.input || !tokens.output) return std::numeric_limits<double>::infinity();
  return static_cast<double>(*tokens.input) + static_cast<double>(*tokens.output);
}

double rank(const Candidate& candidate, RouteOrder order) {
  return order == RouteOrder::kCheapest ? price_of(candidate) : candidate.first_token_s.value_or(0);
}

}  // namespace

bool is_rule(std::string_view name) noexcept {
  return name == kAuto || (name.starts_with(kAuto) && name.size() > kAuto.size() && name[kAuto.size()] == ':');
}

RouteRule read_rule(std::string_view name) {
  if (name.size() > kMostBytes)
    throw Error(Code::kInvalidArgument, fmt::format("model: a rule of more than {} bytes", kMostBytes));
  RouteRule rule;
  std::string_view rest = name.substr(std::min(name.size(), kAuto.size() + 1));
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(','), rest.size());
    const std::string_view word = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (word.empty()) continue;
    if (rule.conditions.size() + rule.orders.size() >= kMostWords)
      throw Error(Code::kInvalidArgument, fmt::format("model: a rule of more than {} words", kMostWords));
    if (word == "fast") {
      rule.orders.push_back(RouteOrder::kFast);
    } else if (word == "cheapest") {
      rule.orders.push_back(RouteOrder::kCheapest);
    } else {
      try {
        for (catalog::Condition& condition : catalog::read_filter(word))
          rule.conditions.push_back({std::string(word), std::move(condition)});
      } catch (const Error& error) {
        throw Error(Code::kInvalidArgument, fmt::format("model: {}: {}", name, error.what()));
      }
    }
  }
  if (rule.orders.empty()) rule.orders.push_back(RouteOrder::kCheapest);
  return rule;
}

std::vector<Candidate> chosen(const RouteRule& rule, std::vector<Candidate> candidates) {
  if (candidates.empty()) throw Error(Code::kNotFound, "model: there is no model to choose from");
  for (const RouteRule::Word& word : rule.conditions) {
    std::erase_if(candidates, [&](const Candidate& candidate) { return !word.holds(candidate.model); });
    if (candidates.empty())
      throw Error(Code::kNotFound,
                  fmt::format("model: no model here is '{}', besides being what stands before it", word.text));
  }
  std::stable_sort(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
    for (const RouteOrder order : rule.orders) {
      const double first = rank(a, order), second = rank(b, order);
      if (first != second) return first < second;
    }
    return false;
  });
  return candidates;
}

}  // namespace shenbi::gateway
