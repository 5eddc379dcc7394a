#include "chat/jinja/operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "chat/jinja/format.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/text.h"

namespace shenbi::chat::jinja {
namespace {

[[noreturn]] void fail_overflow() { fail("integer overflow: the result does not fit 64 bits"); }

[[noreturn]] void fail_operands(Arithmetic op, const Value& a, const Value& b) {
  if (a.is_undefined()) fail(a.undefined_message());
  if (b.is_undefined()) fail(b.undefined_message());
  fail(fmt::format("unsupported operand type(s) for {}: '{}' and '{}'", arithmetic_symbol(op), type_name(a.kind()),
                   type_name(b.kind())));
}

int64_t floor_divide(int64_t a, int64_t b) {
  if (a == INT64_MIN && b == -1) fail_overflow();
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

int64_t floor_modulo(int64_t a, int64_t b) {
  if (b == -1) return 0;
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double float_modulo(double a, double b) {
  const double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

double float_floor_divide(double a, double b) {
  // As CPython: through the remainder, so that the quotient is exact.
  const double rest = float_modulo(a, b);
  const double quotient = (a - rest) / b;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1 : floored;
}

int64_t integer_power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) fail_overflow();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) fail_overflow();
  }
  return result;
}

Value integer_arithmetic(Arithmetic op, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (op) {
    case Arithmetic::kAdd:
      if (__builtin_add_overflow(a, b, &result)) fail_overflow();
      return Value::integer(result);
    case Arithmetic::kSubtract:
      if (__builtin_sub_overflow(a, b, &result)) fail_overflow();
      return Value::integer(result);
    case Arithmetic::kMultiply:
      if (__builtin_mul_overflow(a, b, &result)) fail_overflow();
      return Value::integer(result);
    case Arithmetic::kDivide:
      if (b == 0) fail("division by zero");
      return Value::real(static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b)));
    case Arithmetic::kFloorDivide:
      if (b == 0) fail("integer division or modulo by zero");
      return Value::integer(floor_divide(a, b));
    case Arithmetic::kModulo:
      if (b == 0) fail("integer division or modulo by zero");
      return Value::integer(floor_modulo(a, b));
    case Arithmetic::kPower:
      break;
  }
  if (b >= 0) return Value::integer(integer_power(a, b));
  if (a == 0) fail("0.0 cannot be raised to a negative power");
  return Value::real(std::pow(static_cast<double>(a), static_cast<double>(b)));
}

Value float_arithmetic(Arithmetic op, double a, double b) {
  switch (op) {
    case Arithmetic::kAdd:
      return Value::real(a + b);
    case Arithmetic::kSubtract:
      return Value::real(a - b);
    case Arithmetic::kMultiply:
      return Value::real(a * b);
    case Arithmetic::kDivide:
      if (b == 0) fail("float division by zero");
      return Value::real(a / b);
    case Arithmetic::kFloorDivide:
      if (b == 0) fail("float floor division by zero");
      return Value::real(float_floor_divide(a, b));
    case Arithmetic::kModulo:
      if (b == 0) fail("float modulo");
      return Value::real(float_modulo(a, b));
    case Arithmetic::kPower:
      break;
  }
  if (a == 0 && b < 0) fail("0.0 cannot be raised to a negative power");
  if (a < 0 && std::isfinite(a) && std::isfinite(b) && b != std::floor(b)) fail_unsupported("complex numbers");
  const double result = std::pow(a, b);
  if (std::isinf(result) && std::isfinite(a) && std::isfinite(b)) fail("numerical result out of range");
  return Value::real(result);
}

Value repeat(Heap& heap, const Value& sequence, int64_t count) {
  const auto times = static_cast<uint64_t>(std::max<int64_t>(count, 0));
  if (sequence.is_string()) {
    const std::string& text = sequence.text();
    const __uint128_t size = static_cast<__uint128_t>(text.size()) * times;
    heap.check_text(size > UINT64_MAX ? UINT64_MAX : static_cast<uint64_t>(size));
    heap.work(static_cast<uint64_t>(size));
    std::string out;
    out.reserve(static_cast<size_t>(size));
    if (!text.empty()) {
      for (uint64_t i = 0; i < times; ++i) out += text;
    }
    return Value::string(heap, std::move(out), sequence.is_markup());
  }
  const auto& items = sequence.list().items;
  auto* out = heap.make<List>(sequence.kind());
  if (items.empty() || times == 0) return out;
  const __uint128_t total = static_cast<__uint128_t>(items.size()) * times;
  List::charge(heap, total > UINT64_MAX ? UINT64_MAX : static_cast<uint64_t>(total));
  out->items.reserve(static_cast<size_t>(total));
  for (uint64_t i = 0; i < times; ++i) out->items.insert(out->items.end(), items.begin(), items.end());
  return out;
}

Value concatenate(Heap& heap, const Value& a, const Value& b) {
  if (a.is_string()) {
    const bool is_markup = a.is_markup() || b.is_markup();
    const Value left = is_markup ? escape(heap, a) : a;
    const Value right = is_markup ? escape(heap, b) : b;
    heap.check_text(left.text().size() + right.text().size());
    return Value::string(heap, left.text() + right.text(), is_markup);
  }
  auto* out = heap.make<List>(a.kind());
  List::charge(heap, a.list().items.size() + b.list().items.size());
  out->items.reserve(a.list().items.size() + b.list().items.size());
  for (const Value* part : {&a, &b})
    out->items.insert(out->items.end(), part->list().items.begin(), part->list().items.end());
  return out;
}

}  // namespace

std::string_view arithmetic_symbol(Arithmetic op) noexcept {
  constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "**"};
  return kSymbols[static_cast<size_t>(op)];
}

Value apply(Heap& heap, Arithmetic op, const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return integer_arithmetic(op, a.as_int(), b.as_int());
  if (a.is_number() && b.is_number()) return float_arithmetic(op, a.as_double(), b.as_double());
  if (op == Arithmetic::kAdd && a.kind() == b.kind() && (a.is_string() || a.is_sequence())) {
    return concatenate(heap, a, b);
  }
  if (op == Arithmetic::kMultiply) {
    if ((a.is_string() || a.is_sequence()) && b.is_integral()) return repeat(heap, a, b.as_int());
    if ((b.is_string() || b.is_sequence()) && a.is_integral()) return repeat(heap, b, a.as_int());
  }
  // With an undefined operand Python asks the undefined first unless the left one is a string.
  if (op == Arithmetic::kModulo && a.is_string()) return format_percent(heap, a, b);
  fail_operands(op, a, b);
}

Value negate(const Value& value) {
  if (value.is_integral()) {
    if (value.as_int() == INT64_MIN) fail_overflow();
    return Value::integer(-value.as_int());
  }
  if (value.is(Kind::kFloat)) return Value::real(-value.as_double());
  if (value.is_undefined()) fail(value.undefined_message());
  fail(fmt::format("bad operand type for unary -: '{}'", type_name(value.kind())));
}

Value affirm(const Value& value) {
  if (value.is_integral()) return Value::integer(value.as_int());
  if (value.is(Kind::kFloat)) return value;
  if (value.is_undefined()) fail(value.undefined_message());
  fail(fmt::format("bad operand type for unary +: '{}'", type_name(value.kind())));
}

bool contains(Heap& heap, const Value& container, const Value& item) {
  switch (container.kind()) {
    case Kind::kString:
      if (!item.is_string()) {
        fail(fmt::format("'in <string>' requires string as left operand, not {}", type_name(item.kind())));
      }
      heap.work(container.text().size());
      return container.text().find(item.text()) != std::string::npos;
    case Kind::kDict:
      return container.dict().find(heap, item) != nullptr;
    case Kind::kView:
      if (container.as<View>().part == View::Part::kKeys) return container.as<View>().dict.find(heap, item) != nullptr;
      break;
    case Kind::kRange: {
      if (!item.is_integral()) break;
      const auto& range = container.as<Range>();
      const int64_t low = range.step > 0 ? range.start : range.at(range.length - 1);
      const int64_t high = range.step > 0 ? range.at(range.length - 1) : range.start;
      if (range.length == 0 || item.as_int() < low || item.as_int() > high) return false;
      return (static_cast<__int128>(item.as_int()) - range.start) % range.step == 0;
    }
    default:
      break;
  }
  if (!is_iterable(container)) fail(fmt::format("argument of type '{}' is not iterable", type_name(container.kind())));
  Cursor cursor(heap, container);
  for (Value candidate; cursor.next(candidate);) {
    if (equal(heap, candidate, item)) return true;
  }
  return false;
}

bool compare(Heap& heap, Comparison op, const Value& a, const Value& b) {
  switch (op) {
    case Comparison::kEqual:
      return equal(heap, a, b);
    case Comparison::kNotEqual:
      return !equal(heap, a, b);
    case Comparison::kLess:
      return less(heap, a, b, "<");
    case Comparison::kGreater:
      return less(heap, b, a, ">");
    case Comparison::kLessEqual:
      return less(heap, a, b, "<=", true);
    case Comparison::kGreaterEqual:
      return less(heap, b, a, ">=", true);
    case Comparison::kIn:
      return contains(heap, b, a);
    case Comparison::kNotIn:
      return !contains(heap, b, a);
  }
  return false;
}

Value escape(Heap& heap, const Value& value) {
  if (value.is_markup()) return value;
  const std::string text = text_of(heap, value);
  heap.work(6 * text.size());
  return Value::string(heap, escape_html(text), true);
}

Value make_strings(Heap& heap, const std::vector<std::string_view>& parts, bool is_markup) {
  auto* out = heap.make<List>();
  for (const std::string_view part : parts) out->push(heap, Value::string(heap, std::string(part), is_markup));
  return out;
}

// --- items and slices ---

namespace {

/// Python's index from either end; -1 when it is outside.
int64_t in_range(int64_t index, int64_t length) {
  if (index < 0) index += length;
  return index >= 0 && index < length ? index : -1;
}

Value character(Heap& heap, const Value& string, int64_t index) {
  const std::string& text = string.text();
  if (string.is_ascii()) return Value::string(heap, text.substr(static_cast<size_t>(index), 1), string.is_markup());
  heap.step(text.size() / 8);
  const size_t begin = byte_offset(text, static_cast<size_t>(index));
  const size_t end = begin + byte_offset(std::string_view(text).substr(begin), 1);
  return Value::string(heap, text.substr(begin, end - begin), string.is_markup());
}

struct Bounds {
  int64_t start, stop, step, count;
};

int64_t slice_number(const Value& value) {
  if (value.is_integral()) return value.as_int();
  fail("slice indices must be integers or None or have an __index__ method");
}

/// CPython's PySlice_AdjustIndices.
Bounds slice_bounds(const Value& start, const Value& stop, const Value& step, int64_t length) {
  Bounds bounds{0, 0, step.is_none() ? 1 : slice_number(step), 0};
  if (bounds.step == 0) fail("slice step cannot be zero");
  if (bounds.step == INT64_MIN) bounds.step = -INT64_MAX;
  const bool back = bounds.step < 0;
  const auto clamp = [&](const Value& value, int64_t absent) {
    if (value.is_none()) return absent;
    int64_t index = slice_number(value);
    if (index < 0)
      index = index < -length ? (back ? -1 : 0) : index + length;
    else if (index >= length)
      index = back ? length - 1 : length;
    return index;
  };
  bounds.start = clamp(start, back ? length - 1 : 0);
  bounds.stop = clamp(stop, back ? -1 : length);
  if (back && bounds.stop < bounds.start) bounds.count = (bounds.start - bounds.stop - 1) / -bounds.step + 1;
  if (!back && bounds.start < bounds.stop) bounds.count = (bounds.stop - bounds.start - 1) / bounds.step + 1;
  return bounds;
}

Value slice_string(Heap& heap, const Value& value, const Bounds& bounds) {
  const std::string& text = value.text();
  heap.step(text.size() / (value.is_ascii() ? 32 : 8));
  std::string out;
  if (bounds.count == 0) return Value::string(heap, out, value.is_markup());
  if (bounds.step == 1) {
    const size_t begin =
        value.is_ascii() ? static_cast<size_t>(bounds.start) : byte_offset(text, static_cast<size_t>(bounds.start));
    const std::string_view rest = std::string_view(text).substr(begin);
    const auto count = static_cast<size_t>(bounds.count);
    out = rest.substr(0, value.is_ascii() ? count : byte_offset(rest, count));
    return Value::string(heap, std::move(out), value.is_markup());
  }
  heap.step(static_cast<uint64_t>(length(value)));
  std::vector<uint32_t> starts;  // of every code point, and the end; a text has at most 2^26 bytes
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<uint8_t>(text[i]) & 0xC0) != 0x80) starts.push_back(static_cast<uint32_t>(i));
  }
  starts.push_back(static_cast<uint32_t>(text.size()));
  for (int64_t i = 0, at = bounds.start; i < bounds.count; ++i, at += bounds.step) {
    const auto index = static_cast<size_t>(at);
    out += std::string_view(text).substr(starts[index], starts[index + 1] - starts[index]);
  }
  return Value::string(heap, std::move(out), value.is_markup());
}

}  // namespace

Value item_or_missing(Heap& heap, const Value& value, const Value& index) {
  switch (value.kind()) {
    case Kind::kUndefined:
      fail(value.undefined_message());
    case Kind::kDict: {
      if (index.is(Kind::kList) || index.is(Kind::kDict)) return Value::missing();
      const Value* found = value.dict().find(heap, index);
      return found != nullptr ? *found : Value::missing();
    }
    case Kind::kString:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kRange:
      break;
    default:
      return Value::missing();
  }
  if (!index.is_integral()) return Value::missing();
  const int64_t at = in_range(index.as_int(), length(value));
  if (at < 0) return Value::missing();
  if (value.is_string()) return character(heap, value, at);
  if (value.is(Kind::kRange)) return Value::integer(value.as<Range>().at(at));
  return value.list().items[static_cast<size_t>(at)];
}

Value slice(Heap& heap, const Value& value, const Value& start, const Value& stop, const Value& step) {
  if (value.is_undefined()) fail(value.undefined_message());
  if (!value.is_string() && !value.is_sequence() && !value.is(Kind::kRange)) {
    if (value.is(Kind::kDict)) fail("unhashable type: 'slice'");
    fail(fmt::format("'{}' object is not subscriptable", type_name(value.kind())));
  }
  const Bounds bounds = slice_bounds(start, stop, step, length(value));
  if (value.is_string()) return slice_string(heap, value, bounds);
  if (value.is(Kind::kRange)) {
    const auto& range = value.as<Range>();
    return heap.make<Range>(
        range.at(bounds.start), range.at(bounds.stop),
        static_cast<int64_t>(static_cast<uint64_t>(range.step) * static_cast<uint64_t>(bounds.step)));
  }
  auto* out = heap.make<List>(value.kind());
  for (int64_t i = 0, at = bounds.start; i < bounds.count; ++i, at += bounds.step) {
    out->push(heap, value.list().items[static_cast<size_t>(at)]);
  }
  return out;
}

}  // namespace shenbi::chat::jinja
