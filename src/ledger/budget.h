#pragma once
// A budget: how much may be spent, by whom, of what, in which time. Days and months are those of UTC.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/retry_later.h"

namespace shenbi::ledger {

// Bounds of what a manager of the server may set.
inline constexpr uint64_t kMaxBudgets = 10'000;      // one for each of thousands of keys; all stand in memory
inline constexpr uint64_t kMaxBudgetNameBytes = 64;  // also of a team
inline constexpr uint64_t kMaxBudgetAlerts = 10;     // of one budget; people set two or three

enum class Unit { kUsd, kTokens };
enum class Period { kDay, kMonth, kTotal };
enum class Whose { kEverybody, kTeam, kKey };

std::string_view unit_name(Unit unit) noexcept;        ///< "usd", "tokens"
std::string_view period_name(Period period) noexcept;  ///< "day", "month", "total"
std::string_view whose_name(Whose whose) noexcept;     ///< "everybody", "team", "key"
/// Throw Error{kInvalidArgument} naming the words there are.
Unit unit_of(std::string_view name);
Period period_of(std::string_view name);
Whose whose_of(std::string_view name);

struct Budget {
  std::string name;
  Whose whose = Whose::kEverybody;
  std::string subject;  ///< the team's name or the key's id; "" for everybody
  Unit unit = Unit::kUsd;
  Period period = Period::kMonth;
  int64_t limit = 0;                         ///< nano-dollars, or tokens of prompts and answers together
  std::vector<uint32_t> alerts = {80, 100};  ///< per cent of the limit at which somebody is told
  bool unpriced = false;                     ///< kUsd: calls without a known price go through, uncounted
  std::string from;                          ///< kTotal: the day from which on it counts

  bool operator==(const Budget&) const = default;
};

/// Throws Error{kInvalidArgument} naming the field.
void check(const Budget& budget);

/// The time in which `day` lies, as the budget counts it: "2026-11-22", "2026-11", "total".
std::string period_of_day(const Budget& budget, std::string_view day);
/// Whether what was spent on `day` counts in the time in which `today` lies.
bool counts(const Budget& budget, std::string_view day, std::string_view today);
/// The first day that counts today.
std::string first_day(const Budget& budget, std::string_view today);
/// When it begins anew, in seconds since 1970; 0: never.
int64_t reset_time(const Budget& budget, int64_t now_s);

/// "5.00 USD", "1,000,000 tokens".
std::string amount_text(Unit unit, int64_t amount);
/// "2026-11-22 00:00 UTC"
std::string time_text(int64_t time_s);

/// What a call takes of budgets. Without `nano_usd` its price is not known.
struct Charge {
  std::optional<int64_t> nano_usd;
  uint64_t tokens = 0;
};

/// What a caller is told whose budget does not reach.
class OverBudget : public RetryLater {
 public:
  OverBudget(const std::string& message, int64_t resets_in_s)
      : RetryLater(Code::kRateLimited, message, std::chrono::seconds(resets_in_s)) {}
  /// 0: never.
  int64_t resets_in_s() const noexcept { return wait().count(); }
};

}  // namespace shenbi::ledger
