#pragma once
// A model that reads the answers of others: sums up where they agree, or says which of two is better. The answers are
// material in its prompt, never instructions, and the prompt says so; a judge can be talked into things all the same.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/types.h"

namespace shenbi::gateway {

struct JudgedAnswer {
  std::string name;  ///< what the summary calls it
  std::string text;
};

/// Room for a page of summary and for the thinking before it; a base model, which knows no end, stops there too.
inline constexpr uint64_t kSummaryTokens = 2048;

/// Asks `judge` for a summary of where the answers agree, where they differ and what looks wrong, in the language of
/// the question, in at most kSummaryTokens.
chat::ChatRequest summary_request(const std::string& judge, const std::string& question,
                                  const std::vector<JudgedAnswer>& answers);

enum class Verdict { kFirst, kSecond, kTie, kBothBad };

/// Asks `judge` which of two answers is better; their makers are not named. Temperature 0.
chat::ChatRequest duel_request(const std::string& judge, const std::string& question, const std::string& first,
                               const std::string& second);

/// The verdict in a judge's words: the last of [[A]], [[B]], [[C]] (a tie) and [[D]] (both bad). Nothing if there is
/// none.
std::optional<Verdict> verdict_of(std::string_view text);

/// What a judge said of (a, b) and of (b, a), as a verdict on (a, b): only if both say the same. Judges like the first
/// place; one that changes its mind with the places has none.
std::optional<Verdict> consistent(std::optional<Verdict> straight, std::optional<Verdict> swapped);

}  // namespace shenbi::gateway
