// "text" % values, printf's way: %[(key)][flags][width][.precision]type.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "chat/jinja/format.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/text.h"

namespace shenbi::chat::jinja {
namespace {

class PercentFormatter {
 public:
  PercentFormatter(Heap& heap, const Value& text, const Value& value)
      : heap_(heap), text_(text.text()), is_markup_(text.is_markup()), value_(value) {}

  std::string run() {
    while (at_ < text_.size()) {
      heap_.step();
      const size_t next = std::min(text_.find('%', at_), text_.size());
      append(text_.substr(at_, next - at_));
      at_ = next + 1;
      if (next < text_.size()) directive();
    }
    const bool all_used = value_.is(Kind::kTuple) ? used_ == value_.list().items.size() : used_ > 0 || takes_mapping();
    if (!all_used) fail("not all arguments converted during string formatting");
    return std::move(out_);
  }

 private:
  bool takes_mapping() const {
    return value_.is(Kind::kDict) || value_.is(Kind::kList) || value_.is(Kind::kRange) || value_.is_undefined();
  }

  void append(std::string_view text) {
    heap_.check_text(out_.size() + text.size());
    heap_.work(text.size());
    out_ += text;
  }

  char peek() const {
    if (at_ >= text_.size()) fail("incomplete format");
    return text_[at_];
  }

  const Value& next_value() {
    if (value_.is(Kind::kTuple)) {
      if (used_ >= value_.list().items.size()) fail("not enough arguments for format string");
      return value_.list().items[used_++];
    }
    if (used_++ > 0) fail("not enough arguments for format string");
    return value_;
  }

  int64_t number_or_star() {
    if (peek() == '*') {
      ++at_;
      const Value& value = next_value();
      if (!value.is_integral()) fail("* wants int");
      return value.as_int();
    }
    int64_t number = 0;
    while (peek() >= '0' && peek() <= '9') {
      number = number * 10 + (text_[at_++] - '0');
      if (number > INT32_MAX) heap_.check_text(static_cast<uint64_t>(number));
    }
    return number;
  }

  std::string_view key() {
    size_t depth = 1;
    const size_t begin = ++at_;
    while (depth > 0) {
      const char c = peek();
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
      ++at_;
    }
    return text_.substr(begin, at_ - begin - 1);
  }

  void directive() {
    const Value* named = nullptr;
    if (peek() == '(') {
      const std::string_view name = key();
      if (!value_.is(Kind::kDict)) fail("format requires a mapping");
      named = value_.dict().find(heap_, name);
      if (named == nullptr) fail(fmt::format("{} is not a key of the mapping", in_quotes(name)));
      used_ = std::max<size_t>(used_, 1);
    }
    NumberStyle style;
    bool left = false, zero = false;
    for (; std::string_view("-+ #0").find(peek()) != std::string_view::npos; ++at_) {
      const char flag = text_[at_];
      if (flag == '-') left = true;
      if (flag == '0') zero = true;
      if (flag == '#') style.alternate = true;
      if (flag == '+' || (flag == ' ' && style.sign != '+')) style.sign = flag;
    }
    int64_t width = number_or_star();
    if (width < 0) {
      left = true;
      width = width == INT64_MIN ? INT64_MAX : -width;
    }
    if (peek() == '.') {
      ++at_;
      const int64_t precision = std::max<int64_t>(number_or_star(), 0);
      heap_.check_text(static_cast<uint64_t>(precision));
      style.precision = static_cast<int>(precision);
    }
    if (std::string_view("hlL").find(peek()) != std::string_view::npos) ++at_;
    style.type = peek();
    ++at_;
    if (style.type == '%') return append("%");
    const Value& value = named != nullptr ? *named : next_value();
    const NumberText parts = convert(value, style);
    pad(parts, width, left, zero && !left && std::string_view("sracSRAC").find(style.type) == std::string_view::npos);
  }

  std::string shown(const Value& value, char type) {
    std::string text;
    if (type == 's')
      append_text(heap_, text, value);
    else
      append_repr(heap_, text, value);
    if (is_markup_ && !(type == 's' && value.is_markup())) text = escape_html(text);
    return text;
  }

  NumberText convert(const Value& value, NumberStyle style) {
    switch (style.type) {
      case 's':
      case 'r':
      case 'a': {
        std::string text = shown(value, style.type);
        if (style.precision >= 0) text.resize(byte_offset(text, static_cast<size_t>(style.precision)));
        return {"", std::move(text)};
      }
      case 'c':
        return {"", character(value)};
      case 'd':
      case 'i':
      case 'u':
        style.type = 'd';
        if (value.is(Kind::kFloat)) return integer_text(truncated(value.as_double()), style);
        return integer_text(integer(value, "%d format: a real number is required"), style);
      case 'x':
      case 'X':
      case 'o':
        return integer_text(integer(value, "%x format: an integer is required"), style);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        if (!value.is_number()) fail_type(value, "must be real number");
        if ((style.type == 'g' || style.type == 'G') && style.precision == 0) style.precision = 1;
        return real_text(heap_, value.as_double(), style);
      default:
        fail(fmt::format("unsupported format character '{}'", style.type));
    }
  }

  [[noreturn]] void fail_type(const Value& value, std::string_view what) {
    if (value.is_undefined()) fail(value.undefined_message());
    fail(fmt::format("{}, not {}", what, type_name(value.kind())));
  }

  int64_t integer(const Value& value, std::string_view what) {
    if (!value.is_integral()) fail_type(value, what);
    return value.as_int();
  }

  int64_t truncated(double value) {
    if (!(std::abs(value) < 9.2e18)) fail("a float beyond 64 bits cannot be formatted as an integer");
    return static_cast<int64_t>(value);
  }

  std::string character(const Value& value) {
    std::string out;
    if (value.is_string() && value.characters() == 1) return value.text();
    if (!value.is_integral()) fail_type(value, "%c requires int or char");
    if (value.as_int() < 0 || value.as_int() > 0x10FFFF) fail("%c arg not in range(0x110000)");
    append_utf8(out, static_cast<char32_t>(value.as_int()));
    return out;
  }

  void pad(const NumberText& parts, int64_t width, bool left, bool zero) {
    const auto length = static_cast<int64_t>(parts.sign.size() + count_characters(parts.digits));
    const int64_t missing = std::max<int64_t>(width - length, 0);
    heap_.check_text(static_cast<uint64_t>(missing));
    heap_.check_text(out_.size() + static_cast<uint64_t>(missing));
    heap_.work(static_cast<uint64_t>(missing));
    const std::string fill(static_cast<size_t>(missing), zero ? '0' : ' ');
    if (!left && !zero) out_ += fill;
    append(parts.sign);
    if (zero) out_ += fill;
    append(parts.digits);
    if (left) out_ += fill;
  }

  Heap& heap_;
  const std::string_view text_;
  const bool is_markup_;
  const Value& value_;
  std::string out_;
  size_t at_ = 0;
  size_t used_ = 0;
};

}  // namespace

Value format_percent(Heap& heap, const Value& text, const Value& value) {
  return Value::string(heap, PercentFormatter(heap, text, value).run(), text.is_markup());
}

}  // namespace shenbi::chat::jinja
