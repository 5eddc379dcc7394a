#pragma once
// Python's operators on values. Each charges its work before it does it and fails with Python's message.

#include <string_view>

#include "chat/jinja/value.h"

namespace shenbi::chat::jinja {

enum class Arithmetic : uint8_t { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };
std::string_view arithmetic_symbol(Arithmetic op) noexcept;

Value apply(Heap& heap, Arithmetic op, const Value& a, const Value& b);
Value negate(const Value& value);
/// `+value`
Value affirm(const Value& value);

enum class Comparison : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kNotIn };
bool compare(Heap& heap, Comparison op, const Value& a, const Value& b);
bool contains(Heap& heap, const Value& container, const Value& item);

/// value[index] without the fall-back to attributes: nullopt-like `missing` when there is no such item.
Value item_or_missing(Heap& heap, const Value& value, const Value& index);
/// value[start:stop:step]; None stands for an absent bound.
Value slice(Heap& heap, const Value& value, const Value& start, const Value& stop, const Value& step);

/// The text escaped unless it is markup already; the result is markup.
Value escape(Heap& heap, const Value& value);
/// Every string of `parts` must be charged by the caller; the result is markup when `is_markup`.
Value make_strings(Heap& heap, const std::vector<std::string_view>& parts, bool is_markup);

}  // namespace shenbi::chat::jinja
