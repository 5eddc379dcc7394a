#pragma once
// Numbers within bounds, as decimal digits. A bound is a decimal with up to 15 places, held as an integer of 10^-15:
// |bound| < 10^19 needs 34 digits, and __int128 holds 38.

#include <optional>
#include <string>
#include <string_view>

#include "grammar/json_rules.h"
#include "grammar/rules.h"

namespace shenbi::grammar {

using Scaled = __int128;
inline constexpr uint32_t kPlaces = 15;
inline constexpr Scaled kLargestScaled =  ///< 10^34 - 1: 19 digits before the point
    Scaled{10'000'000'000'000'000} * 1'000'000'000'000'000'000 - 1;

/// A JSON number as a multiple of 10^-15: its whole part may have 19 digits; nothing if it is larger. `rounded` tells
/// that digits beyond the 15th place were dropped (towards zero).
std::optional<Scaled> parse_scaled(std::string_view number, bool& rounded);

struct NumberBounds {
  std::optional<Scaled> min, max;  ///< both included
  Scaled multiple = 0;             ///< 0: of nothing
  bool plain() const { return !min && !max && multiple == 0; }
  bool contains(Scaled value) const {
    return (!min || value >= *min) && (!max || value <= *max) && (multiple == 0 || value % multiple == 0);
  }
};

/// Decimal numbers without exponent within the bounds; whole numbers without a point if `whole`. Where a number may
/// have a fraction, all of its digits together are at most 15, so that reading it as a double keeps it within the
/// bounds. Throws Error{kUnsupported} "<where>: ..." for a `multiple` that needs too many states.
ExprId number_rules(Rules& rules, const NumberBounds& bounds, bool whole, std::string_view where);

}  // namespace shenbi::grammar
