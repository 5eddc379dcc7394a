#include "catalog/cost.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"

namespace shenbi::catalog {
namespace {

// __int128 is an extension, and 64 bits times 64 bits need it.
__extension__ using Wide = unsigned __int128;

Tier tier_for(const Price& price, uint64_t prompt) {
  Tier tier = price.tokens;
  for (const Step& step : price.over) {
    if (prompt <= step.above) break;
    const auto take = [](std::optional<PicoUsd>& to, const std::optional<PicoUsd>& from) {
      if (from) to = from;
    };
    take(tier.input, step.tier.input);
    take(tier.output, step.tier.output);
    take(tier.cache_read, step.tier.cache_read);
    take(tier.cache_write, step.tier.cache_write);
  }
  return tier;
}

}  // namespace

std::optional<int64_t> cost_nano_usd(const Price& price, const Tokens& tokens) {
  const Tier tier = tier_for(price, tokens.prompt);
  const uint64_t read = std::min(tokens.cache_read, tokens.prompt);
  const uint64_t written = std::min(tokens.cache_write, tokens.prompt - read);
  const uint64_t plain = tokens.prompt - read - written;
  Wide pico = 0;
  const auto add = [&](uint64_t count, const std::optional<PicoUsd>& each) {
    if (count > 0 && !each) return false;
    if (count > 0) pico += static_cast<Wide>(count) * static_cast<uint64_t>(*each);
    return true;
  };
  const bool known = add(plain, tier.input) && add(read, tier.cache_read ? tier.cache_read : tier.input) &&
                     add(written, tier.cache_write ? tier.cache_write : tier.input) &&
                     add(tokens.completion, tier.output);
  if (!known) return std::nullopt;
  const Wide nano = (pico + 500) / 1000;
  return nano > static_cast<Wide>(INT64_MAX) ? INT64_MAX : static_cast<int64_t>(nano);
}

namespace {

int64_t nano_of(Wide pico) {
  const Wide nano = (pico + 500) / 1000;
  return nano > static_cast<Wide>(INT64_MAX) ? INT64_MAX : static_cast<int64_t>(nano);
}

Wide times(uint64_t count, PicoUsd each) { return static_cast<Wide>(count) * static_cast<uint64_t>(each); }

// By tokens, those of pictures at prices of their own.
std::optional<int64_t> by_tokens(const Price& price, const Tokens& tokens, const Media& media) {
  const Tier& text = price.tokens;
  const Tier& image = price.image_tokens;
  const uint64_t pictures = std::min(media.image_prompt, tokens.prompt);
  const uint64_t read = std::min(tokens.cache_read, tokens.prompt - pictures);
  const auto in = text.input, cached = text.cache_read ? text.cache_read : in;
  const auto seen = image.input ? image.input : in, out = image.output ? image.output : text.output;
  const uint64_t plain = tokens.prompt - pictures - read;
  if ((plain > 0 && !in) || (read > 0 && !cached) || (pictures > 0 && !seen) || (tokens.completion > 0 && !out))
    return std::nullopt;
  return nano_of(times(plain, in.value_or(0)) + times(read, cached.value_or(0)) + times(pictures, seen.value_or(0)) +
                 times(tokens.completion, out.value_or(0)));
}

}  // namespace

std::optional<int64_t> media_cost_nano_usd(const Price& price, const Tokens& tokens, const Media& media) {
  if (tokens.prompt + tokens.completion > 0) {
    if (const auto cost = by_tokens(price, tokens, media)) return cost;
  }
  if (media.images + media.milliseconds + media.characters + tokens.prompt + tokens.completion == 0) return 0;
  if (price.image && media.images > 0) return nano_of(times(media.images, *price.image));
  if (price.character && media.characters > 0) return nano_of(times(media.characters, *price.character));
  if (price.second && media.milliseconds > 0) return nano_of(times(media.milliseconds, *price.second) / 1000);
  return std::nullopt;
}

std::optional<int64_t> told_nano_usd(std::string_view house, std::string_view raw_usage) {
  if (house != "openrouter" && house != "perplexity") return std::nullopt;
  const Json usage = Json::parse(raw_usage, nullptr, false);
  if (!usage.is_object() || !usage.contains("cost")) return std::nullopt;
  const Json& cost = usage["cost"].is_object() ? usage["cost"].value("total_cost", Json()) : usage["cost"];
  const double dollars = cost.is_number() ? cost.get<double>() : -1;
  constexpr double kMost = 1e6;  // dollars of one answer: beyond it somebody jokes
  if (!(dollars >= 0 && dollars <= kMost)) return std::nullopt;
  return std::llround(dollars * 1e9);
}

}  // namespace shenbi::catalog
