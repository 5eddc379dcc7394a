// Digits of numbers in every style both ways of formatting know.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "chat/jinja/format.h"

namespace shenbi::chat::jinja {
namespace {

std::string sign_text(bool negative, char style) {
  if (negative) return "-";
  return style == '-' ? std::string() : std::string(1, style);
}

/// printf with a checked size; the precision was bounded by the caller.
std::string print_real(double value, char type, int precision, bool alternate) {
  std::string format = alternate ? "%#.*" : "%.*";
  format += type;
  const int size = std::snprintf(nullptr, 0, format.c_str(), precision, value);
  std::string out(static_cast<size_t>(std::max(size, 0)) + 1, '\0');
  std::snprintf(out.data(), out.size(), format.c_str(), precision, value);
  out.pop_back();
  return out;
}

}  // namespace

NumberText integer_text(int64_t value, const NumberStyle& style) {
  const bool negative = value < 0;
  const uint64_t magnitude = negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string digits;
  switch (style.type) {
    case 'x':
      digits = fmt::format("{:x}", magnitude);
      break;
    case 'X':
      digits = fmt::format("{:X}", magnitude);
      break;
    case 'o':
      digits = fmt::format("{:o}", magnitude);
      break;
    case 'b':
      digits = fmt::format("{:b}", magnitude);
      break;
    default:
      digits = fmt::format("{}", magnitude);
  }
  if (style.precision > static_cast<int>(digits.size())) {
    digits.insert(0, static_cast<size_t>(style.precision) - digits.size(), '0');
  }
  std::string sign = sign_text(negative, style.sign);
  if (style.alternate && style.type != 'd') sign += std::string("0") + style.type;
  return {std::move(sign), std::move(digits)};
}

NumberText real_text(Heap& heap, double value, const NumberStyle& style) {
  const int precision = style.precision < 0 ? 6 : style.precision;
  heap.check_text(static_cast<uint64_t>(precision) + 400);  // 309 digits before the point at most
  heap.step(static_cast<uint64_t>(precision) + 100);
  std::string sign = sign_text(std::signbit(value) && !std::isnan(value), style.sign);
  const bool is_upper = style.type == 'F' || style.type == 'E' || style.type == 'G';
  if (!std::isfinite(value)) {
    std::string name = std::isnan(value) ? "nan" : "inf";
    if (is_upper)
      std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(c - 32); });
    if (style.type == '%') name += '%';
    return {std::move(sign), std::move(name)};
  }
  double magnitude = std::abs(value);
  if (style.type == '%') return {std::move(sign), print_real(magnitude * 100, 'f', precision, style.alternate) + "%"};
  return {std::move(sign), print_real(magnitude, style.type, precision, style.alternate)};
}

}  // namespace shenbi::chat::jinja
