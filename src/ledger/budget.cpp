#include "ledger/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "ledger/ledger.h"

namespace shenbi::ledger {
namespace {

constexpr int64_t kDayS = 86400;

template <class T, size_t N>
using Names = std::array<std::pair<T, std::string_view>, N>;

constexpr Names<Unit, 2> kUnits = {{{Unit::kUsd, "usd"}, {Unit::kTokens, "tokens"}}};
constexpr Names<Period, 3> kPeriods = {{{Period::kDay, "day"}, {Period::kMonth, "month"}, {Period::kTotal, "total"}}};
constexpr Names<Whose, 3> kWhose = {{{Whose::kEverybody, "everybody"}, {Whose::kTeam, "team"}, {Whose::kKey, "key"}}};

template <class T, size_t N>
std::string_view name_of(const Names<T, N>& names, T value) {
  for (const auto& [one, name] : names) {
    if (one == value) return name;
  }
  return "";
}

template <class T, size_t N>
T find(const Names<T, N>& names, std::string_view field, std::string_view word) {
  std::string all;
  for (const auto& [one, name] : names) {
    if (name == word) return one;
    all += (all.empty() ? "" : ", ") + std::string(name);
  }
  throw Error(Code::kInvalidArgument, fmt::format("{}: '{}' is none of {}", field, word, all));
}

[[noreturn]] void refuse(std::string_view field, std::string_view why) {
  throw Error(Code::kInvalidArgument, fmt::format("{}: {}", field, why));
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxBudgetNameBytes &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c != '/' && c != 0x7f; });
}

bool is_day(std::string_view text) {
  int year = 0, month = 0, day = 0;
  return text.size() == 10 && std::sscanf(std::string(text).c_str(), "%4d-%2d-%2d", &year, &month, &day) == 3 &&
         text == fmt::format("{:04}-{:02}-{:02}", year, month, day) && month >= 1 && month <= 12 && day >= 1 &&
         day <= 31;
}

std::string with_commas(uint64_t number) {
  std::string text = fmt::to_string(number);
  for (size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

}  // namespace

std::string_view unit_name(Unit unit) noexcept { return name_of(kUnits, unit); }
std::string_view period_name(Period period) noexcept { return name_of(kPeriods, period); }
std::string_view whose_name(Whose whose) noexcept { return name_of(kWhose, whose); }
Unit unit_of(std::string_view name) { return find(kUnits, "unit", name); }
Period period_of(std::string_view name) { return find(kPeriods, "period", name); }
Whose whose_of(std::string_view name) { return find(kWhose, "whose", name); }

void check(const Budget& budget) {
  if (!is_name(budget.name)) refuse("name", "letters without spaces, at most 64 bytes");
  if (budget.whose != Whose::kEverybody && !is_name(budget.subject)) refuse("subject", "which team or key?");
  if (budget.whose == Whose::kEverybody && !budget.subject.empty()) refuse("subject", "this one is everybody's");
  if (budget.limit <= 0) refuse("limit", "expected a number above 0");
  if (budget.alerts.size() > kMaxBudgetAlerts) refuse("alerts", fmt::format("at most {}", kMaxBudgetAlerts));
  for (const uint32_t percent : budget.alerts) {
    if (percent < 1 || percent > 100) refuse("alerts", "expected per cents from 1 to 100");
  }
  if (budget.period == Period::kTotal && !is_day(budget.from)) refuse("from", "expected a day, as 2026-11-22");
  if (budget.period != Period::kTotal && !budget.from.empty()) refuse("from", "only a total counts from a day on");
}

std::string period_of_day(const Budget& budget, std::string_view day) {
  if (budget.period == Period::kTotal) return "total";
  return std::string(budget.period == Period::kDay ? day : day.substr(0, 7));
}

bool counts(const Budget& budget, std::string_view day, std::string_view today) {
  if (budget.period == Period::kTotal) return day >= budget.from;
  return period_of_day(budget, day) == period_of_day(budget, today);
}

std::string first_day(const Budget& budget, std::string_view today) {
  if (budget.period == Period::kTotal) return budget.from;
  return budget.period == Period::kDay ? std::string(today) : std::string(today.substr(0, 7)) + "-01";
}

int64_t reset_time(const Budget& budget, int64_t now_s) {
  if (budget.period == Period::kTotal) return 0;
  if (budget.period == Period::kDay) return (now_s / kDayS + 1) * kDayS;
  const std::time_t now = now_s;
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::tm next{};
  next.tm_year = parts.tm_year;
  next.tm_mon = parts.tm_mon + 1;  // timegm() knows what the thirteenth month is
  next.tm_mday = 1;
  return ::timegm(&next);
}

std::string amount_text(Unit unit, int64_t amount) {
  if (unit == Unit::kTokens) return with_commas(static_cast<uint64_t>(std::max<int64_t>(amount, 0))) + " tokens";
  std::string dollars = fmt::format("{}.{:09}", amount / 1'000'000'000, amount % 1'000'000'000);
  while (dollars.back() == '0' && dollars[dollars.size() - 3] != '.') dollars.pop_back();  // two places stay
  return dollars + " USD";
}

std::string time_text(int64_t time_s) {
  const std::time_t time = time_s;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{} {:02}:{:02} UTC", day_of(time_s), parts.tm_hour, parts.tm_min);
}

}  // namespace shenbi::ledger
