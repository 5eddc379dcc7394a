// "text".format(...): {field!conversion:spec}, and the specs of strings and numbers.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "chat/jinja/format.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/text.h"

namespace shenbi::chat::jinja {
namespace {

struct Spec {
  std::string fill = " ";
  char align = '\0';  ///< '<', '>', '^', '=' or none
  char sign = '-';
  bool alternate = false;
  int64_t width = 0;
  char grouping = '\0';
  int64_t precision = -1;
  char type = '\0';
};

bool is_align(char c) { return c == '<' || c == '>' || c == '^' || c == '='; }

class SpecReader {
 public:
  SpecReader(Heap& heap, std::string_view text) : heap_(heap), text_(text) {}

  Spec read() {
    Spec spec;
    const size_t first = text_.empty() ? 0 : decode_utf8(text_, 0).length;
    if (first > 0 && first < text_.size() && is_align(text_[first])) {
      spec.fill = text_.substr(0, first);
      spec.align = text_[first];
      at_ = first + 1;
    } else if (is_align(peek())) {
      spec.align = text_[at_++];
    }
    if (peek() == '+' || peek() == '-' || peek() == ' ') spec.sign = text_[at_++];
    if (peek() == '#') spec.alternate = (++at_, true);
    if (peek() == '0') {
      ++at_;
      if (spec.align == '\0') {
        spec.fill = "0";
        spec.align = '=';
        zero_ = true;
      }
    }
    spec.width = number(0);
    if (peek() == ',' || peek() == '_') spec.grouping = text_[at_++];
    if (peek() == '.') {
      ++at_;
      spec.precision = number(-1);
      if (spec.precision < 0) fail("Format specifier missing precision");
    }
    if (at_ < text_.size()) spec.type = text_[at_++];
    if (at_ != text_.size()) fail("Invalid format specifier");
    return spec;
  }
  bool zero_padded() const { return zero_; }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  int64_t number(int64_t absent) {
    if (peek() < '0' || peek() > '9') return absent;
    int64_t value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + (text_[at_++] - '0');
      if (value > INT32_MAX) heap_.check_text(static_cast<uint64_t>(value));
    }
    heap_.check_text(static_cast<uint64_t>(value));
    return value;
  }

  Heap& heap_;
  std::string_view text_;
  size_t at_ = 0;
  bool zero_ = false;
};

std::string grouped(const std::string& digits, char separator, size_t group) {
  const size_t end = std::min(digits.find_first_not_of("0123456789abcdefABCDEF"), digits.size());
  std::string out;
  for (size_t i = 0; i < end; ++i) {
    if (i > 0 && (end - i) % group == 0) out += separator;
    out += digits[i];
  }
  return out + digits.substr(end);
}

std::string pad(Heap& heap, const NumberText& parts, const Spec& spec, char default_align) {
  const char align = spec.align == '\0' ? default_align : spec.align;
  const auto length = static_cast<int64_t>(parts.sign.size() + count_characters(parts.digits));
  const int64_t missing = std::max<int64_t>(spec.width - length, 0);
  heap.check_text(static_cast<uint64_t>(missing) * spec.fill.size() + parts.digits.size());
  heap.work(static_cast<uint64_t>(missing));
  const int64_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  if (align == '=') return parts.sign + repeated(spec.fill, missing) + parts.digits;
  return repeated(spec.fill, left) + parts.sign + parts.digits + repeated(spec.fill, missing - left);
}

std::string format_text(Heap& heap, const Value& value, Spec spec, bool zero_padded) {
  if (spec.type != '\0' && spec.type != 's') {
    fail(fmt::format("Unknown format code '{}' for object of type 'str'", spec.type));
  }
  if (spec.sign != '-') fail("Sign not allowed in string format specifier");
  if (spec.alternate) fail("Alternate form (#) not allowed in string format specifier");
  if (spec.grouping != '\0') fail(fmt::format("Cannot specify '{}' with 's'.", spec.grouping));
  if (spec.align == '=' && !zero_padded) fail("'=' alignment not allowed in string format specifier");
  if (zero_padded) spec.align = '<';
  std::string text = value.text();
  if (spec.precision >= 0) text.resize(byte_offset(text, static_cast<size_t>(spec.precision)));
  return pad(heap, {"", std::move(text)}, spec, '<');
}

std::string format_real(Heap& heap, double value, const Spec& spec) {
  NumberStyle style{spec.type, spec.sign, spec.alternate, static_cast<int>(spec.precision)};
  NumberText parts;
  if (spec.type == '\0' && spec.precision < 0) {
    parts = real_text(heap, value, {.type = 'f', .sign = spec.sign});
    parts.digits = float_text(std::abs(value));
  } else {
    if (spec.type == '\0' || spec.type == 'n') style.type = 'g';
    if (std::string_view("eEfFgG%").find(style.type) == std::string_view::npos) {
      fail(fmt::format("Unknown format code '{}' for object of type 'float'", spec.type));
    }
    if ((style.type == 'g' || style.type == 'G') && style.precision == 0) style.precision = 1;
    parts = real_text(heap, value, style);
    if (spec.type == '\0' && parts.digits.find_first_of(".en") == std::string::npos) parts.digits += ".0";
  }
  if (spec.grouping != '\0' && std::isfinite(value)) {
    const size_t whole = std::min(parts.digits.find_first_not_of("0123456789"), parts.digits.size());
    parts.digits = grouped(parts.digits.substr(0, whole), spec.grouping, 3) + parts.digits.substr(whole);
  }
  return pad(heap, parts, spec, '>');
}

std::string format_integer(Heap& heap, const Value& value, const Spec& spec) {
  if (std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos && spec.type != '\0') {
    return format_real(heap, value.as_double(), spec);
  }
  if (spec.precision >= 0) fail("Precision not allowed in integer format specifier");
  if (spec.type == 'c') {
    if (value.as_int() < 0 || value.as_int() > 0x10FFFF) fail("%c arg not in range(0x110000)");
    std::string text;
    append_utf8(text, static_cast<char32_t>(value.as_int()));
    return pad(heap, {"", std::move(text)}, spec, '<');
  }
  NumberStyle style{spec.type == '\0' || spec.type == 'n' ? 'd' : spec.type, spec.sign, spec.alternate, -1};
  if (std::string_view("dxXob").find(style.type) == std::string_view::npos) {
    fail(fmt::format("Unknown format code '{}' for object of type 'int'", spec.type));
  }
  NumberText parts = integer_text(value.as_int(), style);
  if (spec.grouping != '\0') parts.digits = grouped(parts.digits, spec.grouping, style.type == 'd' ? 3 : 4);
  return pad(heap, parts, spec, '>');
}

class BraceFormatter {
 public:
  BraceFormatter(Interpreter& interpreter, const Args& args, bool is_markup)
      : interpreter_(interpreter), heap_(interpreter.heap()), args_(args), is_markup_(is_markup) {}

  std::string run(std::string_view text, int depth) {
    if (depth < 0) fail("Max string recursion exceeded");
    std::string out;
    for (size_t at = 0; at < text.size();) {
      heap_.step();
      const size_t brace = std::min(text.find_first_of("{}", at), text.size());
      append(out, text.substr(at, brace - at));
      if (brace == text.size()) break;
      if (brace + 1 < text.size() && text[brace + 1] == text[brace]) {
        append(out, text.substr(brace, 1));
        at = brace + 2;
        continue;
      }
      if (text[brace] == '}') fail("Single '}' encountered in format string");
      const size_t end = field_end(text, brace + 1);
      append(out, field(text.substr(brace + 1, end - brace - 1), depth));
      at = end + 1;
    }
    return out;
  }

 private:
  void append(std::string& out, std::string_view text) {
    heap_.check_text(out.size() + text.size());
    heap_.work(text.size());
    out += text;
  }

  static size_t field_end(std::string_view text, size_t begin) {
    int open = 1;
    bool in_brackets = false;
    for (size_t i = begin; i < text.size(); ++i) {
      if (text[i] == '[') in_brackets = true;
      if (text[i] == ']') in_brackets = false;
      if (text[i] == '{' && !in_brackets) ++open;
      if (text[i] == '}' && !in_brackets && --open == 0) return i;
    }
    fail("expected '}' before end of string");
  }

  std::string field(std::string_view text, int depth) {
    size_t name_end = 0;
    bool in_brackets = false;
    for (; name_end < text.size(); ++name_end) {
      const char c = text[name_end];
      if (c == '[') in_brackets = true;
      if (c == ']') in_brackets = false;
      if (!in_brackets && (c == '!' || c == ':')) break;
      if (c == '{') fail("unexpected '{' in field name");
    }
    Value value = look_up(text.substr(0, name_end));
    std::string_view rest = text.substr(name_end);
    if (rest.starts_with('!')) {
      if (rest.size() < 2 || (rest.size() > 2 && rest[2] != ':')) fail("expected ':' after conversion specifier");
      value = converted(value, rest[1]);
      rest.remove_prefix(2);
    }
    std::string spec;
    if (rest.starts_with(':')) spec = run(rest.substr(1), depth - 1);
    if (!is_markup_) return format_value(heap_, value, spec);
    if (value.is_markup()) {
      if (!spec.empty()) fail("Unsupported format specification for Markup.");
      return value.text();
    }
    return escape_html(format_value(heap_, value, spec));
  }

  Value converted(const Value& value, char how) {
    std::string text;
    if (how == 's')
      append_text(heap_, text, value);
    else if (how == 'r')
      append_repr(heap_, text, value);
    else if (how == 'a')
      fail_unsupported("the conversion !a in str.format");
    else
      fail(fmt::format("Unknown conversion specifier '{}'", how));
    return interpreter_.string(std::move(text));
  }

  Value first(std::string_view name) {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) {
      const auto given = name.empty() ? std::optional<int64_t>(next_) : parse_int(name, 10);
      if (given) {
        Numbering wanted = name.empty() ? Numbering::kAutomatic : Numbering::kManual;
        if (numbering_ != Numbering::kNone && numbering_ != wanted) {
          fail("cannot switch between manual field specification and automatic field numbering");
        }
        numbering_ = wanted;
        if (name.empty()) ++next_;
        if (*given < 0 || static_cast<size_t>(*given) >= args_.positional.size()) {
          fail(fmt::format("Replacement index {} out of range for positional args tuple", *given));
        }
        return args_.positional[static_cast<size_t>(*given)];
      }
    }
    for (const auto& [known, value] : args_.named) {
      if (known == name) return value;
    }
    fail(fmt::format("format() has no argument {}", in_quotes(name)));
  }

  Value look_up(std::string_view path) {
    size_t end = std::min(path.find_first_of(".["), path.size());
    Value value = first(path.substr(0, end));
    while (end < path.size()) {
      heap_.step();
      if (path[end] == '.') {
        const size_t next = std::min(path.find_first_of(".[", end + 1), path.size());
        if (next == end + 1) fail("Empty attribute in format string");
        value = interpreter_.attribute(value, interpreter_.string(std::string(path.substr(end + 1, next - end - 1))));
        end = next;
      } else {
        const size_t close = path.find(']', end);
        if (close == std::string_view::npos) fail("Missing ']' in format string");
        const std::string_view key = path.substr(end + 1, close - end - 1);
        const bool digits = !key.empty() && key.find_first_not_of("0123456789") == std::string_view::npos;
        const auto index = digits ? parse_int(key, 10) : std::nullopt;
        value = interpreter_.item(value, index ? Value::integer(*index) : interpreter_.string(std::string(key)));
        end = close + 1;
        if (end < path.size() && path[end] != '.' && path[end] != '[') {
          fail("Only '.' or '[' may follow ']' in format field specifier");
        }
      }
    }
    return value;
  }

  enum class Numbering { kNone, kAutomatic, kManual };
  Interpreter& interpreter_;
  Heap& heap_;
  const Args& args_;
  const bool is_markup_;
  int64_t next_ = 0;
  Numbering numbering_ = Numbering::kNone;
};

}  // namespace

std::string format_value(Heap& heap, const Value& value, std::string_view text) {
  if (text.empty()) return text_of(heap, value);
  SpecReader reader(heap, text);
  const Spec spec = reader.read();
  switch (value.kind()) {
    case Kind::kString:
      return format_text(heap, value, spec, reader.zero_padded());
    case Kind::kBool:
    case Kind::kInt:
      return format_integer(heap, value, spec);
    case Kind::kFloat:
      return format_real(heap, value.as_double(), spec);
    default:
      fail(fmt::format("unsupported format string passed to {}.__format__", type_name(value.kind())));
  }
}

Value format_braces(Interpreter& interpreter, const Value& text, Args& args) {
  BraceFormatter formatter(interpreter, args, text.is_markup());
  return interpreter.string(formatter.run(text.text(), 2), text.is_markup());
}

}  // namespace shenbi::chat::jinja
