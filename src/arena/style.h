#pragma once
// How an answer looks, apart from what it says: people prefer long and decorated answers, and a leaderboard can take
// that out. What is counted is what Chatbot Arena counts: length, headings, list items, bold.

#include <array>
#include <cstddef>
#include <string_view>

namespace shenbi::arena {

inline constexpr size_t kStyleFigures = 4;

/// Words (a Han character is one), headings, list items, pieces of bold. Code in fences counts as words alone.
using Style = std::array<double, kStyleFigures>;
Style style_of(std::string_view markdown);
std::string_view style_name(size_t figure) noexcept;  ///< "length", "headings", "lists", "bold"

/// (a - b) / (a + b + 1), figure by figure: from -1 to 1, and the same with the other sign if they change places.
using StyleDifference = std::array<double, kStyleFigures>;
StyleDifference difference(const Style& first, const Style& second) noexcept;

}  // namespace shenbi::arena
