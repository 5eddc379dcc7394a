#pragma once
// What an answer cost, in whole numbers: tokens times pico-dollars, rounded once to nano-dollars (1e-9).
//
//   1,000 tokens of prompt, 600 of them cached, and 50 of answer, at 2 $/M, 0.5 $/M and 8 $/M:
//   400 * 2,000,000 + 600 * 500,000 + 50 * 8,000,000 = 1,500,000,000 pico = 1,500,000 nano = 0.0015 $

#include <cstdint>
#include <optional>
#include <string_view>

#include "catalog/model.h"

namespace shenbi::catalog {

struct Tokens {
  uint64_t prompt = 0;       ///< all of it: cached tokens too
  uint64_t cache_read = 0;   ///< of the prompt
  uint64_t cache_write = 0;  ///< of the prompt
  uint64_t completion = 0;   ///< with its thinking
};

/// Nothing if a figure that it takes is not known. A cache without a price of its own is an ordinary prompt, which is
/// how houses charge it. Halves are rounded up; what does not fit is the largest number there is.
std::optional<int64_t> cost_nano_usd(const Price& price, const Tokens& tokens);

/// What is not paid by its tokens alone.
struct Media {
  uint64_t images = 0, milliseconds = 0, characters = 0;  ///< made, or listened to; read aloud
  uint64_t image_prompt = 0;                              ///< tokens of the prompt that were pictures
};

/// Of pictures, sounds and films. Where the house told tokens and their prices are known these count; else pictures,
/// seconds and characters at theirs. Nothing if neither price is known; 0 where nothing was made.
///
///   2 pictures at 0.04 $: 2 * 40,000,000,000 pico = 80,000,000 nano = 0.08 $
///   8.5 s of film at 0.1 $: 8,500 ms * 100,000,000,000 pico / 1000 = 850,000,000 nano = 0.85 $
std::optional<int64_t> media_cost_nano_usd(const Price& price, const Tokens& tokens, const Media& media);

/// What the house itself says it charged, from the usage object in its own words: OpenRouter's `cost`, Perplexity's
/// `cost.total_cost`. Nothing if it does not say, or says nonsense.
std::optional<int64_t> told_nano_usd(std::string_view house, std::string_view raw_usage);

}  // namespace shenbi::catalog
