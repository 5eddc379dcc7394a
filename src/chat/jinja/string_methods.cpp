// str's methods. On markup, what transforms text gives markup and what inserts text escapes it first.

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "chat/jinja/format.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/text.h"

namespace shenbi::chat::jinja {
namespace {

Value like(Interpreter& interpreter, const Value& self, std::string text) {
  return interpreter.string(std::move(text), self.is_markup());
}

/// Case mapping walks ICU tables: some forty nanoseconds a character that is not ASCII.
void charge_case(Interpreter& interpreter, const Value& self) {
  interpreter.heap().step(self.is_ascii() ? self.text().size() / 16 : self.text().size() * 4);
}

template <std::string (*kMap)(std::string_view)>
Value mapped(Interpreter& interpreter, const Value& self, Args& args) {
  bind_none(args, "this method");
  charge_case(interpreter, self);
  return like(interpreter, self, kMap(self.text()));
}

template <Side kSide>
Value stripped(Interpreter& interpreter, const Value& self, Args& args) {
  auto [characters] = bind<1>(args, "strip", {""});
  interpreter.heap().work(self.text().size());
  std::optional<std::string_view> set;
  if (!characters.is_missing() && !characters.is_none()) set = text_argument(characters, "strip arg");
  if (set) interpreter.heap().step(set->size());
  return like(interpreter, self, std::string(strip(self.text(), kSide, set)));
}

template <bool kFromRight>
Value split_method(Interpreter& interpreter, const Value& self, Args& args) {
  auto [separator, count] = bind<2>(args, kFromRight ? "rsplit" : "split", {"sep", "maxsplit"});
  Heap& heap = interpreter.heap();
  heap.work(self.text().size());
  std::optional<std::string_view> by;
  if (!separator.is_missing() && !separator.is_none()) {
    by = text_argument(separator, "split sep");
    if (by->empty()) fail("empty separator");
  }
  const int64_t max = int_argument(count, "maxsplit", -1);
  // The parts are counted before they are made: each costs a string.
  heap.grow(sizeof(std::string_view) * (by ? count_occurrences(self.text(), *by) : self.text().size() / 2));
  const auto parts = kFromRight ? split_right(self.text(), by, max) : split(self.text(), by, max);
  heap.shrink(sizeof(std::string_view) * (by ? count_occurrences(self.text(), *by) : self.text().size() / 2));
  return make_strings(heap, parts, self.is_markup());
}

Value split_lines_method(Interpreter& interpreter, const Value& self, Args& args) {
  auto [keep] = bind<1>(args, "splitlines", {"keepends"});
  interpreter.heap().step(self.text().size() / 4);
  return make_strings(interpreter.heap(), split_lines(self.text(), bool_argument(keep)), self.is_markup());
}

/// The part of a text between two optional positions in code points, as Python's start and end arguments mean it.
struct Window {
  std::string_view text;
  int64_t start;  ///< in code points
  bool valid;
};

Window window(Heap& heap, const Value& self, const Value& start, const Value& end) {
  if ((start.is_missing() || start.is_none()) && (end.is_missing() || end.is_none())) return {self.text(), 0, true};
  heap.step(self.text().size() / 4);
  const int64_t length = self.characters();
  const auto clamp = [&](const Value& value, int64_t absent) {
    if (value.is_missing() || value.is_none()) return absent;
    const int64_t index = int_argument(value, "slice index");
    return index < 0 ? std::max<int64_t>(index + length, 0) : index;
  };
  const int64_t from = clamp(start, 0), to = std::min(clamp(end, length), length);
  if (from > to) return {{}, from, false};
  const size_t begin = byte_offset(self.text(), static_cast<size_t>(from));
  const std::string_view rest = std::string_view(self.text()).substr(begin);
  return {rest.substr(0, byte_offset(rest, static_cast<size_t>(to - from))), from, true};
}

template <bool kAtEnd>
Value affixed(Interpreter& interpreter, const Value& self, Args& args) {
  auto [affix, start, end] = bind<3>(args, kAtEnd ? "endswith" : "startswith", {"", "", ""}, 1);
  const Window part = window(interpreter.heap(), self, start, end);
  const auto matches = [&](const Value& one) {
    if (!one.is_string()) {
      fail(fmt::format("{} first arg must be str or a tuple of str, not {}", kAtEnd ? "endswith" : "startswith",
                       type_name(one.kind())));
    }
    return part.valid && (kAtEnd ? part.text.ends_with(one.text()) : part.text.starts_with(one.text()));
  };
  if (!affix.is(Kind::kTuple)) return Value::boolean(matches(affix));
  interpreter.heap().step(affix.list().items.size());
  const auto& all = affix.list().items;
  return Value::boolean(std::any_of(all.begin(), all.end(), matches));
}

enum class Search { kFind, kRightFind, kIndex, kRightIndex, kCount };

template <Search kWhat>
Value searched(Interpreter& interpreter, const Value& self, Args& args) {
  auto [needle, start, end] = bind<3>(args, "find", {"", "", ""}, 1);
  const std::string_view wanted = text_argument(needle, "find");
  interpreter.heap().work(self.text().size());
  const Window part = window(interpreter.heap(), self, start, end);
  if (kWhat == Search::kCount) {
    return Value::integer(part.valid ? static_cast<int64_t>(count_occurrences(part.text, wanted)) : 0);
  }
  const bool from_right = kWhat == Search::kRightFind || kWhat == Search::kRightIndex;
  const size_t at = !part.valid  ? std::string_view::npos
                    : from_right ? part.text.rfind(wanted)
                                 : part.text.find(wanted);
  if (at != std::string_view::npos) {
    return Value::integer(part.start + static_cast<int64_t>(character_index(part.text, at)));
  }
  if (kWhat == Search::kIndex || kWhat == Search::kRightIndex) fail("substring not found");
  return Value::integer(-1);
}

Value replaced(Interpreter& interpreter, const Value& self, Args& args) {
  auto [from, to, count] = bind<3>(args, "replace", {"", "", ""}, 2);
  Heap& heap = interpreter.heap();
  const std::string_view old = text_argument(from, "replace");
  text_argument(to, "replace");
  const Value with = self.is_markup() ? escape(heap, to) : to;
  const int64_t max = int_argument(count, "replace", -1);
  heap.work(self.text().size());
  heap.check_text(replaced_size(self.text(), old, with.text(), max));
  return like(interpreter, self, replace(self.text(), old, with.text(), max));
}

Value joined(Interpreter& interpreter, const Value& self, Args& args) {
  auto [items] = bind<1>(args, "join", {""}, 1);
  Heap& heap = interpreter.heap();
  std::string out;
  Cursor cursor(heap, items);
  bool first = true;
  int64_t index = 0;
  for (Value item; cursor.next(item); ++index) {
    if (!std::exchange(first, false)) append_text(heap, out, self);
    if (self.is_markup()) item = escape(heap, item);
    if (!item.is_string())
      fail(fmt::format("sequence item {}: expected str instance, {} found", index, type_name(item.kind())));
    append_text(heap, out, item);
  }
  return like(interpreter, self, std::move(out));
}

enum class Pad { kLeft, kRight, kCenter, kZeros };

template <Pad kHow>
Value padded(Interpreter& interpreter, const Value& self, Args& args) {
  auto [wanted, filling] = bind<2>(args, "ljust", {"", ""}, 1);
  const Value fill_value = filling.is_missing() ? interpreter.string(" ") : filling;
  const std::string_view fill = text_argument(fill_value, "fill character");
  if (fill_value.characters() != 1) fail("The fill character must be exactly one character long");
  const int64_t missing = int_argument(wanted, "width") - self.characters();
  if (missing <= 0) return like(interpreter, self, self.text());
  interpreter.heap().check_text(static_cast<uint64_t>(missing));
  interpreter.heap().check_text(self.text().size() + static_cast<uint64_t>(missing) * fill.size());
  interpreter.heap().work(static_cast<uint64_t>(missing));
  if (kHow == Pad::kZeros) {
    const bool has_sign = !self.text().empty() && (self.text()[0] == '-' || self.text()[0] == '+');
    return like(
        interpreter, self,
        self.text().substr(0, has_sign ? 1 : 0) + repeated("0", missing) + self.text().substr(has_sign ? 1 : 0));
  }
  // CPython's rule for the odd one when centring.
  const int64_t width = missing + self.characters();
  const int64_t left = kHow == Pad::kLeft ? 0 : kHow == Pad::kRight ? missing : missing / 2 + (missing & width & 1);
  return like(interpreter, self, repeated(fill, left) + self.text() + repeated(fill, missing - left));
}

template <bool kFromRight>
Value partitioned(Interpreter& interpreter, const Value& self, Args& args) {
  auto [separator] = bind<1>(args, "partition", {""}, 1);
  const std::string_view by = text_argument(separator, "partition");
  if (by.empty()) fail("empty separator");
  interpreter.heap().work(self.text().size());
  const std::string& text = self.text();
  const size_t at = kFromRight ? text.rfind(by) : text.find(by);
  if (at == std::string::npos) {
    const Value whole = like(interpreter, self, text), empty = like(interpreter, self, "");
    return kFromRight ? make_tuple(interpreter.heap(), {empty, empty, whole})
                      : make_tuple(interpreter.heap(), {whole, empty, empty});
  }
  return make_tuple(interpreter.heap(),
                    {like(interpreter, self, text.substr(0, at)), like(interpreter, self, std::string(by)),
                     like(interpreter, self, text.substr(at + by.size()))});
}

template <bool kSuffix>
Value without_affix(Interpreter& interpreter, const Value& self, Args& args) {
  auto [affix] = bind<1>(args, "removeprefix", {""}, 1);
  std::string_view text = self.text();
  const std::string_view what = text_argument(affix, "removeprefix");
  if (kSuffix ? text.ends_with(what) : text.starts_with(what)) {
    text = kSuffix ? text.substr(0, text.size() - what.size()) : text.substr(what.size());
  }
  return like(interpreter, self, std::string(text));
}

Value expanded_tabs(Interpreter& interpreter, const Value& self, Args& args) {
  auto [size] = bind<1>(args, "expandtabs", {"tabsize"});
  const int64_t tab = int_argument(size, "tabsize", 8);
  Heap& heap = interpreter.heap();
  std::string out;
  int64_t column = 0;
  for (const char c : self.text()) {
    heap.step();
    if (c == '\t') {
      const int64_t spaces = tab > 0 ? tab - column % tab : 0;
      heap.check_text(out.size() + static_cast<uint64_t>(spaces));
      heap.work(static_cast<uint64_t>(spaces));
      out.append(static_cast<size_t>(spaces), ' ');
      column += spaces;
    } else {
      out += c;
      if ((static_cast<uint8_t>(c) & 0xC0) != 0x80) ++column;
      if (c == '\n' || c == '\r') column = 0;
    }
  }
  return like(interpreter, self, std::move(out));
}

template <bool (*kIs)(char32_t) noexcept, bool kEmpty>
Value all_characters(Interpreter& interpreter, const Value& self, Args& args) {
  bind_none(args, "this method");
  interpreter.heap().step(self.text().size() / 4);
  const std::string& text = self.text();
  if (text.empty()) return Value::boolean(kEmpty);
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    if (!kIs(c.code_point)) return Value::boolean(false);
    i += c.length;
  }
  return Value::boolean(true);
}

bool is_ascii_character(char32_t c) noexcept { return c < 0x80; }

template <bool (*kIs)(std::string_view) noexcept>
Value whole_text(Interpreter& interpreter, const Value& self, Args& args) {
  bind_none(args, "this method");
  interpreter.heap().step(self.text().size() / 4);
  return Value::boolean(kIs(self.text()));
}

Value formatted(Interpreter& interpreter, const Value& self, Args& args) {
  return format_braces(interpreter, self, args);
}

Value formatted_map(Interpreter& interpreter, const Value& self, Args& args) {
  auto [mapping] = bind<1>(args, "format_map", {""}, 1);
  if (!mapping.is(Kind::kDict)) fail("format_map() argument must be a mapping");
  Args fields;
  for (const auto& [name, value] : mapping.dict().entries) {
    if (name.is_string()) fields.named.emplace_back(name.text(), value);
  }
  return format_braces(interpreter, self, fields);
}

template <int kWhich>
Value unsupported(Interpreter&, const Value&, Args&) {
  constexpr std::string_view kNames[] = {"encode", "translate", "maketrans"};
  fail_unsupported(fmt::format("str.{} is not supported in chat templates", kNames[kWhich]));
}

}  // namespace

const MethodEntry kStringMethods[] = {
    {"strip", stripped<Side::kBoth>},
    {"lstrip", stripped<Side::kLeft>},
    {"rstrip", stripped<Side::kRight>},
    {"split", split_method<false>},
    {"rsplit", split_method<true>},
    {"splitlines", split_lines_method},
    {"startswith", affixed<false>},
    {"endswith", affixed<true>},
    {"find", searched<Search::kFind>},
    {"rfind", searched<Search::kRightFind>},
    {"index", searched<Search::kIndex>},
    {"rindex", searched<Search::kRightIndex>},
    {"count", searched<Search::kCount>},
    {"replace", replaced},
    {"join", joined},
    {"format", formatted},
    {"format_map", formatted_map},
    {"upper", mapped<upper>},
    {"lower", mapped<lower>},
    {"title", mapped<title>},
    {"capitalize", mapped<capitalize>},
    {"swapcase", mapped<swap_case>},
    {"casefold", mapped<case_fold>},
    {"ljust", padded<Pad::kLeft>},
    {"rjust", padded<Pad::kRight>},
    {"center", padded<Pad::kCenter>},
    {"zfill", padded<Pad::kZeros>},
    {"expandtabs", expanded_tabs},
    {"partition", partitioned<false>},
    {"rpartition", partitioned<true>},
    {"removeprefix", without_affix<false>},
    {"removesuffix", without_affix<true>},
    {"isalpha", all_characters<is_alpha, false>},
    {"isalnum", all_characters<is_alnum, false>},
    {"isdigit", all_characters<is_digit, false>},
    {"isdecimal", all_characters<is_decimal, false>},
    {"isnumeric", all_characters<is_numeric, false>},
    {"isspace", all_characters<is_python_space, false>},
    {"isprintable", all_characters<is_printable, true>},
    {"isascii", all_characters<is_ascii_character, true>},
    {"isupper", whole_text<is_upper_text>},
    {"islower", whole_text<is_lower_text>},
    {"istitle", whole_text<is_title_text>},
    {"isidentifier", whole_text<is_identifier>},
    {"encode", unsupported<0>},
    {"translate", unsupported<1>},
    {"maketrans", unsupported<2>},
};
const size_t kStringMethodCount = std::size(kStringMethods);

}  // namespace shenbi::chat::jinja
