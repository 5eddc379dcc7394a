// Digits within bounds: for each length of the whole part the bounds are cut to what numbers of that length can be, and
// then written digit by digit. While the digits so far equal those of a bound, the next is limited by it ("tight");
// once they differ, any digits follow. Divisibility is a remainder carried along.

#include "grammar/number_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "base/error.h"

namespace shenbi::grammar {
namespace {

constexpr uint32_t kMaxWhole = 19;             // digits of 2^64 - 1
constexpr uint64_t kMaxRemainders = 1u << 15;  // remainders times digits: as many rules

constexpr Scaled power(uint32_t exponent) {
  Scaled value = 1;
  for (uint32_t i = 0; i < exponent; ++i) value *= 10;
  return value;
}
constexpr Scaled kOne = power(kPlaces);

class Digits {
 public:
  /// `multiple` in units of 10^-multiple_places; 0: of nothing.
  Digits(Rules& rules, Scaled multiple, uint32_t multiple_places)
      : rules_(rules), multiple_(multiple), multiple_places_(multiple_places) {}

  /// Numbers from low to high (>= 0, in units of 10^-places), all with `length` digits before the point.
  ExprId between(Scaled low, Scaled high, uint32_t length, uint32_t places) {
    length_ = length;
    total_ = length + places;
    low_ = digits_of(low);
    high_ = digits_of(high);
    known_.clear();
    return from({0, true, true, 0});
  }

 private:
  struct Place {
    uint32_t digits;  // written so far
    bool low, high;   // equal to the bound so far
    uint64_t remainder;
    auto operator<=>(const Place&) const = default;
  };

  std::string digits_of(Scaled value) const {
    std::string text(total_, '0');
    for (uint32_t i = total_; i-- > 0; value /= 10) text[i] = static_cast<char>('0' + static_cast<int>(value % 10));
    return text;
  }

  bool divides(const Place& p) const {
    if (multiple_ == 0) return true;
    Scaled value = static_cast<Scaled>(p.remainder);
    for (uint32_t i = p.digits - length_; i < multiple_places_; ++i) value = value * 10 % multiple_;
    return value == 0;
  }
  bool may_end(const Place& p) const {
    return (!p.low || low_.find_first_not_of('0', p.digits) == std::string::npos) && divides(p);  // zeros would follow
  }

  ExprId from(const Place& p) {
    const auto [at, fresh] = known_.try_emplace(p, 0);
    if (!fresh) return rules_.call(at->second);
    const RuleId rule = at->second = rules_.declare("digits");
    rules_.define(rule, body(p));
    return rules_.call(rule);
  }

  ExprId body(const Place& p) {
    std::vector<ExprId> all;
    if (p.digits >= length_ && may_end(p)) all.push_back(rules_.empty());
    if (p.digits == total_) return rules_.choice(std::move(all));
    if (!p.low && !p.high && multiple_ == 0) return free(p);
    const ExprId next = digit(p);
    all.push_back(p.digits == length_ ? rules_.sequence({rules_.literal("."), next}) : next);
    return rules_.choice(std::move(all));
  }

  // Whatever digits are left.
  ExprId free(const Place& p) {
    const ExprId any = rules_.set(CodeSet({{'0', '9'}}));
    if (p.digits > length_) return rules_.repeat(any, 0, total_ - p.digits);
    const uint32_t places = total_ - length_;
    const ExprId fraction =
        places == 0 ? rules_.empty()
                    : rules_.optional(rules_.sequence({rules_.literal("."), rules_.repeat(any, 1, places)}));
    return rules_.sequence({rules_.repeat(any, length_ - p.digits, length_ - p.digits), fraction});
  }

  ExprId digit(const Place& p) {
    const char least = p.low ? low_[p.digits] : '0', most = p.high ? high_[p.digits] : '9';
    std::map<Place, std::vector<CodeSet::Range>> next;
    for (char c = least; c <= most; ++c) {
      // A bound whose other digits are all the least, or the greatest, no longer binds.
      Place to{p.digits + 1, p.low && c == least && low_.find_first_not_of('0', p.digits + 1) != std::string::npos,
               p.high && c == most && high_.find_first_not_of('9', p.digits + 1) != std::string::npos, 0};
      if (multiple_ != 0) {
        to.remainder = static_cast<uint64_t>((static_cast<Scaled>(p.remainder) * 10 + (c - '0')) % multiple_);
      }
      next[to].emplace_back(static_cast<char32_t>(c), static_cast<char32_t>(c));
    }
    std::vector<ExprId> all;
    for (auto& [to, ranges] : next) all.push_back(rules_.sequence({rules_.set(CodeSet(std::move(ranges))), from(to)}));
    return rules_.choice(std::move(all));
  }

  Rules& rules_;
  Scaled multiple_;
  uint32_t multiple_places_;
  uint32_t length_ = 0, total_ = 0;
  std::string low_, high_;
  std::map<Place, RuleId> known_;
};

Scaled ceil_to(Scaled value, Scaled unit) { return (value + unit - 1) / unit; }  // value >= 0

struct Multiple {
  Scaled value = 0;  // in units of 10^-places; 0: of nothing
  uint32_t places = kPlaces;
};

Multiple reduce(Scaled multiple, bool whole, std::string_view where) {
  Multiple m{multiple, kPlaces};
  if (multiple == 0) return m;
  for (; m.places > 0 && m.value % 10 == 0; --m.places) m.value /= 10;
  const uint32_t digits = whole ? kMaxWhole : JsonRules::kDecimalDigits;
  if (m.value > static_cast<Scaled>(kMaxRemainders / digits)) {
    throw Error(Code::kUnsupported,
                fmt::format("{}: a multiple with more than {} remainders", where, kMaxRemainders / digits));
  }
  return m;
}

// Magnitudes from low to high, which are not negative.
ExprId magnitudes(Rules& rules, Scaled low, Scaled high, const Multiple& multiple, bool whole) {
  std::vector<ExprId> all;
  Digits digits(rules, multiple.value, multiple.places);
  const uint32_t longest = whole ? kMaxWhole : JsonRules::kDecimalDigits;
  for (uint32_t length = 1; length <= longest; ++length) {
    const uint32_t places = whole ? 0 : std::min(JsonRules::kDecimalDigits - length, multiple.places);
    const Scaled unit = power(kPlaces - places);
    const Scaled first = length == 1 ? 0 : power(length - 1) * kOne;
    const Scaled from = ceil_to(std::max(low, first), unit);
    const Scaled to = std::min(high, power(length) * kOne - 1) / unit;
    if (from <= to) all.push_back(digits.between(from, to, length, places));
  }
  return rules.choice(std::move(all));
}

}  // namespace

std::optional<Scaled> parse_scaled(std::string_view number, bool& rounded) {
  rounded = false;
  const bool negative = number.starts_with('-');
  if (negative) number.remove_prefix(1);
  const size_t e = number.find_first_of("eE");
  int exponent = 0;
  if (e != std::string_view::npos) {
    for (const char c : number.substr(e + 1)) {
      if (c >= '0' && c <= '9') exponent = std::min(exponent * 10 + (c - '0'), 10'000);
    }
    if (number[e + 1] == '-') exponent = -exponent;
  }
  std::string digits;
  int point = exponent;  // places that the decimal point lies behind the digits' end, then made to lie 15 before it
  bool fraction = false;
  for (const char c : number.substr(0, e)) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    digits += c;
    if (fraction) --point;
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return 0;
  const int64_t length = static_cast<int64_t>(digits.size()) + point + static_cast<int>(kPlaces);
  if (length > static_cast<int64_t>(kPlaces + kMaxWhole)) return std::nullopt;
  Scaled value = 0;
  for (int64_t i = 0; i < length; ++i) {
    value = value * 10 + (static_cast<size_t>(i) < digits.size() ? digits[static_cast<size_t>(i)] - '0' : 0);
  }
  rounded = length < 0 ||
            digits.find_first_not_of('0', static_cast<size_t>(std::max<int64_t>(length, 0))) != std::string::npos;
  return negative ? -value : value;
}

ExprId number_rules(Rules& rules, const NumberBounds& bounds, bool whole, std::string_view where) {
  const Scaled usual = power(whole ? JsonRules::kIntegerDigits : JsonRules::kDecimalDigits) * kOne - 1;
  const Scaled most = kLargestScaled;  // where the other bound lies beyond the usual
  const Scaled low = bounds.min.value_or(bounds.max && *bounds.max < -usual ? -most : -usual);
  const Scaled high = bounds.max.value_or(bounds.min && *bounds.min > usual ? most : usual);
  const Multiple multiple = reduce(bounds.multiple, whole, where);
  std::vector<ExprId> all;
  if (high >= 0) all.push_back(magnitudes(rules, std::max<Scaled>(low, 0), high, multiple, whole));
  if (low < 0) {
    const Scaled least = std::max<Scaled>(-high, whole ? kOne : 1);
    all.push_back(rules.sequence({rules.literal("-"), magnitudes(rules, least, -low, multiple, whole)}));
  }
  return rules.choice(std::move(all));
}

}  // namespace shenbi::grammar
