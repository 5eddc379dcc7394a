#pragma once
// A signature holds the time, and houses refuse one that is minutes old: a wrong clock of ours looks like a wrong key.
// The Date of the refusal tells which it is.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/client.h"

namespace shenbi::gateway {

/// Seconds since 1970 of "Mon, 23 Nov 2026 06:00:00 GMT" (RFC 9110, section 5.6.7).
std::optional<int64_t> http_date(std::string_view text);

/// "; this machine's clock is 412 s behind the house's" if the Date among the headers differs by more than a minute,
/// else "". `now`: seconds since 1970, as they were signed.
std::string skew_words(const net::Headers& headers, int64_t now);

}  // namespace shenbi::gateway
