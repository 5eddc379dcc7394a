#include "chat/jinja/repr.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/loop.h"
#include "chat/jinja/text.h"

namespace shenbi::chat::jinja {

std::string in_quotes(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    const char32_t code = c.code_point;
    if (code == static_cast<char32_t>(quote) || code == '\\') {
      out += '\\';
      out += static_cast<char>(code);
    } else if (code == '\n') {
      out += "\\n";
    } else if (code == '\r') {
      out += "\\r";
    } else if (code == '\t') {
      out += "\\t";
    } else if (code < 0x20 || code == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<uint32_t>(code));
    } else if (code < 0x80 || is_printable(code)) {
      out += text.substr(i, c.length);
    } else if (code <= 0xFF) {
      out += fmt::format("\\x{:02x}", static_cast<uint32_t>(code));
    } else if (code <= 0xFFFF) {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(code));
    } else {
      out += fmt::format("\\U{:08x}", static_cast<uint32_t>(code));
    }
    i += c.length;
  }
  return out += quote;
}

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 40> buffer{};
  const auto scientific =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  const std::string_view shortest(buffer.data(), static_cast<size_t>(scientific.ptr - buffer.data()));
  const size_t e = shortest.find('e');
  int exponent = 0;
  std::from_chars(shortest.data() + e + (shortest[e + 1] == '+' ? 2 : 1), scientific.ptr, exponent);
  // Python's rule: positional for 1e-4 <= |x| < 1e16, else digits e sign two-digit exponent.
  if (exponent < -4 || exponent >= 16) {
    return fmt::format("{}e{}{:02}", shortest.substr(0, e), exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  std::string digits;
  for (const char c : shortest.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  std::string out = std::signbit(value) ? "-" : "";
  if (exponent < 0) return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

namespace {

void append_items(Heap& heap, std::string& out, const List& list) {
  const bool is_tuple = list.kind == Kind::kTuple;
  out += is_tuple ? '(' : '[';
  for (size_t i = 0; i < list.items.size(); ++i) {
    if (i > 0) out += ", ";
    append_repr(heap, out, list.items[i]);
  }
  if (is_tuple && list.items.size() == 1) out += ',';
  out += is_tuple ? ')' : ']';
}

void append_entries(Heap& heap, std::string& out, const Dict& dict) {
  out += '{';
  for (size_t i = 0; i < dict.entries.size(); ++i) {
    if (i > 0) out += ", ";
    append_repr(heap, out, dict.entries[i].first);
    out += ": ";
    append_repr(heap, out, dict.entries[i].second);
  }
  out += '}';
}

void append_view(Heap& heap, std::string& out, const View& view) {
  constexpr std::string_view kNames[] = {"dict_keys", "dict_values", "dict_items"};
  out += kNames[static_cast<size_t>(view.part)];
  out += "([";
  for (size_t i = 0; i < view.dict.entries.size(); ++i) {
    if (i > 0) out += ", ";
    append_repr(heap, out, view.at(heap, i));
  }
  out += "])";
}

void append_range(std::string& out, const Range& range) {
  if (range.step == 1)
    out += fmt::format("range({}, {})", range.start, range.stop);
  else
    out += fmt::format("range({}, {}, {})", range.start, range.stop, range.step);
}

void append_object(Heap& heap, std::string& out, const Value& value) {
  const DepthGuard guard(heap);
  switch (value.kind()) {
    case Kind::kList:
    case Kind::kTuple:
      append_items(heap, out, value.list());
      break;
    case Kind::kDict:
      append_entries(heap, out, value.dict());
      break;
    case Kind::kView:
      append_view(heap, out, value.as<View>());
      break;
    case Kind::kRange:
      append_range(out, value.as<Range>());
      break;
    case Kind::kNamespace:
      out += "<Namespace ";
      append_entries(heap, out, value.as<Namespace>().attributes);
      out += '>';
      break;
    case Kind::kLoop: {
      auto& loop = value.as<Loop>();
      out += fmt::format("<LoopContext {}/{}>", loop.index0 + 1, loop.length());
      break;
    }
    case Kind::kMacro:
      out += fmt::format("<Macro {}>", macro_label(value.as<Macro>()));
      break;
    default:
      out += fmt::format("<{} object>", type_name(value.kind()));
      break;
  }
}

}  // namespace

void append_repr(Heap& heap, std::string& out, const Value& value) {
  heap.step();
  switch (value.kind()) {
    case Kind::kMissing:
    case Kind::kUndefined:
      out += "Undefined";
      break;
    case Kind::kString:
      heap.work(4 * value.text().size());
      if (value.is_markup()) out += "Markup(";
      out += in_quotes(value.text());
      if (value.is_markup()) out += ')';
      break;
    case Kind::kNone:
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kFloat:
      append_text(heap, out, value);
      break;
    default:
      append_object(heap, out, value);
  }
  heap.check_text(out.size());
}

void append_text(Heap& heap, std::string& out, const Value& value) {
  switch (value.kind()) {
    case Kind::kMissing:
    case Kind::kUndefined:
      break;
    case Kind::kNone:
      out += "None";
      break;
    case Kind::kBool:
      out += value.as_bool() ? "True" : "False";
      break;
    case Kind::kInt:
      out += fmt::format_int(value.as_int()).c_str();
      break;
    case Kind::kFloat:
      out += float_text(value.as_double());
      break;
    case Kind::kString:
      heap.check_text(out.size() + value.text().size());
      heap.work(value.text().size());
      out += value.text();
      break;
    default:
      append_repr(heap, out, value);
  }
}

std::string text_of(Heap& heap, const Value& value) {
  std::string out;
  append_text(heap, out, value);
  return out;
}

}  // namespace shenbi::chat::jinja
