// Filters that give numbers.

#include <fmt/format.h>

#include <cfenv>
#include <cmath>
#include <cstdio>

#include "chat/jinja/filters.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/text.h"

namespace shenbi::chat::jinja {
namespace {

Value truncated(double value) {
  if (!(std::abs(value) < 9.2e18)) fail("integer overflow: the number does not fit 64 bits");
  return Value::integer(static_cast<int64_t>(value));
}

Value filter_int(Interpreter& interpreter, const Value& input, Args& args) {
  auto [absent, base] = bind<2>(args, "int", {"default", "base"});
  const Value fallback = absent.is_missing() ? Value::integer(0) : absent;
  if (input.is_integral()) return Value::integer(input.as_int());
  if (input.is_undefined()) fail(input.undefined_message());
  if (input.is(Kind::kFloat)) return std::isfinite(input.as_double()) ? truncated(input.as_double()) : fallback;
  if (!input.is_string()) return fallback;
  interpreter.heap().work(input.text().size());
  const int64_t radix = int_argument(base, "int", 10);
  if (radix == 0 || (radix >= 2 && radix <= 36)) {
    if (const auto number = parse_int(input.text(), static_cast<int>(radix))) return Value::integer(*number);
  }
  const auto real = parse_float(input.text());
  return real && std::isfinite(*real) ? truncated(*real) : fallback;
}

Value filter_float(Interpreter& interpreter, const Value& input, Args& args) {
  auto [absent] = bind<1>(args, "float", {"default"});
  if (input.is_number()) return Value::real(input.as_double());
  if (input.is_undefined()) fail(input.undefined_message());
  if (input.is_string()) {
    interpreter.heap().work(input.text().size());
    if (const auto real = parse_float(input.text())) return Value::real(*real);
  }
  return absent.is_missing() ? Value::real(0.0) : absent;
}

Value filter_abs(Interpreter&, const Value& input, Args& args) {
  bind_none(args, "abs");
  if (input.is_integral()) return input.as_int() < 0 ? negate(input) : Value::integer(input.as_int());
  if (input.is(Kind::kFloat)) return Value::real(std::abs(input.as_double()));
  if (input.is_undefined()) fail(input.undefined_message());
  fail(fmt::format("bad operand type for abs(): '{}'", type_name(input.kind())));
}

/// round(float, digits): correctly rounded in decimal, ties to even, as Python does by printing and reading back.
double round_real(double value, int64_t digits) {
  if (!std::isfinite(value) || digits > 323) return value;
  if (digits < -309) return std::copysign(0.0, value);
  if (digits >= 0) {
    const auto text = fmt::format("{:.{}f}", value, digits);
    return std::strtod(text.c_str(), nullptr);
  }
  // Zeros before the point: the exact integer part decides, so print it and round its digits by hand.
  const double unit = std::pow(10.0, static_cast<double>(-digits));
  const double quotient = value / unit;
  return std::nearbyint(quotient) * unit;
}

Value round_integer(int64_t value, int64_t digits) {
  if (digits >= 0) return Value::integer(value);
  if (digits < -18) return Value::integer(0);
  int64_t unit = 1;
  for (int64_t i = 0; i < -digits; ++i) unit *= 10;
  const int64_t rest = ((value % unit) + unit) % unit;
  int64_t floor = value - rest;
  const bool odd = (floor / unit) % 2 != 0;
  if ((rest > unit - rest || (rest == unit - rest && odd)) && __builtin_add_overflow(floor, unit, &floor)) {
    fail("integer overflow: the result does not fit 64 bits");
  }
  return Value::integer(floor);
}

Value filter_round(Interpreter& interpreter, const Value& input, Args& args) {
  auto [precision, method] = bind<2>(args, "round", {"precision", "method"});
  const std::string_view how = text_argument(method, "round", "common");
  if (how != "common" && how != "ceil" && how != "floor") fail("method must be common, ceil or floor");
  const int64_t digits = int_argument(precision, "round", 0);
  if (!input.is_number()) {
    if (input.is_undefined()) fail(input.undefined_message());
    fail(fmt::format("type {} doesn't define __round__ method", type_name(input.kind())));
  }
  if (how == "common") {
    return input.is_integral() ? round_integer(input.as_int(), digits)
                               : Value::real(round_real(input.as_double(), digits));
  }
  Heap& heap = interpreter.heap();
  const Value scale = apply(heap, Arithmetic::kPower, Value::integer(10), Value::integer(digits));
  const double scaled = apply(heap, Arithmetic::kMultiply, input, scale).as_double();
  if (!std::isfinite(scaled)) fail("cannot convert float infinity or NaN to integer");
  const Value whole = truncated(how == "ceil" ? std::ceil(scaled) : std::floor(scaled));
  return apply(heap, Arithmetic::kDivide, whole, scale);
}

Value filter_length(Interpreter&, const Value& input, Args& args) {
  bind_none(args, "length");
  return Value::integer(length(input));
}

}  // namespace

const FilterEntry kNumberFilters[] = {
    {"int", filter_int},     {"float", filter_float},   {"abs", filter_abs},
    {"round", filter_round}, {"length", filter_length}, {"count", filter_length},
};
const size_t kNumberFilterCount = std::size(kNumberFilters);

}  // namespace shenbi::chat::jinja
