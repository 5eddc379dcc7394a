// Filters that give text.

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/format.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/text.h"

namespace shenbi::chat::jinja {
namespace {

/// markupsafe's soft_str: strings stay what they are.
Value soft_text(Interpreter& interpreter, const Value& value) {
  return value.is_string() ? value : interpreter.string(text_of(interpreter.heap(), value));
}

Value method_of(Interpreter& interpreter, const Value& input, Args& args, std::string_view name) {
  return find_method(Kind::kString, name)(interpreter, soft_text(interpreter, input), args);
}

Value filter_string(Interpreter& interpreter, const Value& input, Args& args) {
  bind_none(args, "string");
  return soft_text(interpreter, input);
}
Value filter_upper(Interpreter& interpreter, const Value& input, Args& args) {
  return method_of(interpreter, input, args, "upper");
}
Value filter_lower(Interpreter& interpreter, const Value& input, Args& args) {
  return method_of(interpreter, input, args, "lower");
}
Value filter_capitalize(Interpreter& interpreter, const Value& input, Args& args) {
  return method_of(interpreter, input, args, "capitalize");
}

Value filter_trim(Interpreter& interpreter, const Value& input, Args& args) {
  auto [characters] = bind<1>(args, "trim", {"chars"});
  Args given;
  if (!characters.is_missing()) given.positional.push_back(characters);
  return method_of(interpreter, input, given, "strip");
}

Value filter_center(Interpreter& interpreter, const Value& input, Args& args) {
  auto [width] = bind<1>(args, "center", {"width"});
  Args given;
  given.positional.push_back(Value::integer(int_argument(width, "center", 80)));
  return method_of(interpreter, input, given, "center");
}

/// Words begin after white space and any of - ( { [ <; the rest of a word is lower-cased.
Value filter_title(Interpreter& interpreter, const Value& input, Args& args) {
  bind_none(args, "title");
  const Value value = soft_text(interpreter, input);
  const std::string& text = value.text();
  interpreter.heap().step(value.is_ascii() ? text.size() : text.size() * 8);
  std::string out;
  size_t begin = 0;
  const auto flush = [&](size_t end) {
    if (begin == end) return;
    const size_t first = decode_utf8(text, begin).length;
    out += upper(std::string_view(text).substr(begin, first));
    out += lower(std::string_view(text).substr(begin + first, end - begin - first));
  };
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    const bool separates = is_python_space(c.code_point) ||
                           (c.code_point < 0x80 && std::string_view("-({[<").find(text[i]) != std::string_view::npos);
    if (separates) {
      flush(i);
      out += text.substr(i, c.length);
      begin = i + c.length;
    }
    i += c.length;
  }
  flush(text.size());
  return interpreter.string(std::move(out));
}

Value filter_replace(Interpreter& interpreter, const Value& input, Args& args) {
  auto [from, to, count] = bind<3>(args, "replace", {"old", "new", "count"}, 2);
  Heap& heap = interpreter.heap();
  const std::string text = text_of(heap, input), old = text_of(heap, from), with = text_of(heap, to);
  const int64_t max = count.is_missing() || count.is_none() ? -1 : int_argument(count, "replace");
  heap.work(text.size());
  heap.check_text(replaced_size(text, old, with, max));
  return interpreter.string(replace(text, old, with, max));
}

Value filter_escape(Interpreter& interpreter, const Value& input, Args& args) {
  bind_none(args, "escape");
  return escape(interpreter.heap(), input);
}

Value filter_force_escape(Interpreter& interpreter, const Value& input, Args& args) {
  bind_none(args, "forceescape");
  return escape(interpreter.heap(), interpreter.string(text_of(interpreter.heap(), input)));
}

Value filter_safe(Interpreter& interpreter, const Value& input, Args& args) {
  bind_none(args, "safe");
  if (input.is_markup()) return input;
  return interpreter.string(text_of(interpreter.heap(), input), true);
}

Value filter_format(Interpreter& interpreter, const Value& input, Args& args) {
  if (!args.positional.empty() && !args.named.empty()) {
    fail("can't handle positional and keyword arguments at the same time");
  }
  Heap& heap = interpreter.heap();
  const Value text = soft_text(interpreter, input);
  if (args.named.empty()) return format_percent(heap, text, make_tuple(heap, std::move(args.positional)));
  auto* named = heap.make<Dict>();
  for (const auto& [name, value] : args.named) named->set(heap, interpreter.string(name), value);
  return format_percent(heap, text, named);
}

Value filter_indent(Interpreter& interpreter, const Value& input, Args& args) {
  auto [width, first, blank] = bind<3>(args, "indent", {"width", "first", "blank"});
  if (!input.is_string()) {
    if (input.is_undefined()) fail(input.undefined_message());
    fail(fmt::format("can only indent str, not {}", type_name(input.kind())));
  }
  Heap& heap = interpreter.heap();
  std::string margin;
  if (width.is_string()) {
    margin = width.text();
  } else {
    const int64_t spaces = std::max<int64_t>(int_argument(width, "indent", 4), 0);
    heap.check_text(static_cast<uint64_t>(spaces));
    heap.work(static_cast<uint64_t>(spaces));
    margin.assign(static_cast<size_t>(spaces), ' ');
  }
  heap.step(input.text().size() / 4);
  std::string text = input.text() + "\n";
  const auto lines = split_lines(text, false);
  heap.check_text(text.size() + lines.size() * margin.size());
  heap.work(lines.size() * margin.size());
  std::string out = bool_argument(first) ? margin : "";
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    if (i > 0 && (bool_argument(blank) || !lines[i].empty())) out += margin;
    out += lines[i];
  }
  return interpreter.string(std::move(out), input.is_markup());
}

Value filter_truncate(Interpreter& interpreter, const Value& input, Args& args) {
  auto [limit, kill, end, leeway] = bind<4>(args, "truncate", {"length", "killwords", "end", "leeway"});
  const int64_t max = int_argument(limit, "truncate", 255);
  const int64_t slack = leeway.is_missing() || leeway.is_none() ? 5 : int_argument(leeway, "truncate");
  const Value tail = end.is_missing() ? interpreter.string("...") : end;
  const std::string_view tail_text = text_argument(tail, "truncate");
  if (max < tail.characters() || slack < 0) fail("truncate: length or leeway is too small");
  const int64_t size = length(input);
  if (size <= max || size - max <= slack) return input;
  if (!input.is_string()) fail(fmt::format("an object of type '{}' cannot be truncated", type_name(input.kind())));
  std::string kept = input.text().substr(0, byte_offset(input.text(), static_cast<size_t>(max - tail.characters())));
  if (!bool_argument(kill)) kept = kept.substr(0, std::min(kept.rfind(' '), kept.size()));
  return interpreter.string(kept + std::string(tail_text), input.is_markup());
}

Value filter_wordcount(Interpreter& interpreter, const Value& input, Args& args) {
  bind_none(args, "wordcount");
  const std::string text = text_of(interpreter.heap(), input);
  interpreter.heap().step(text.size() / 2);
  int64_t words = 0;
  bool inside = false;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    const bool is_word = c.code_point == '_' || is_alnum(c.code_point);
    if (is_word && !inside) ++words;
    inside = is_word;
    i += c.length;
  }
  return Value::integer(words);
}

void append_quoted_url(Heap& heap, std::string& out, std::string_view text, bool in_query) {
  heap.step(text.size() / 4);
  heap.check_text(out.size() + text.size() * 3);
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                       c == '.' || c == '-' || c == '~' || (c == '/' && !in_query);
    if (plain)
      out += c;
    else if (c == ' ' && in_query)
      out += '+';
    else
      out += fmt::format("%{:02X}", static_cast<uint8_t>(c));
  }
}

Value filter_urlencode(Interpreter& interpreter, const Value& input, Args& args) {
  bind_none(args, "urlencode");
  Heap& heap = interpreter.heap();
  std::string out;
  if (input.is_string() || !is_iterable(input)) {
    append_quoted_url(heap, out, text_of(heap, input), false);
    return interpreter.string(std::move(out));
  }
  Value pairs = input;
  if (input.is(Kind::kDict)) pairs = heap.make<View>(input.dict(), View::Part::kItems);
  Cursor cursor(heap, pairs);
  for (Value pair; cursor.next(pair);) {
    const List* items = collect(heap, pair);
    if (items->items.size() != 2) fail("urlencode: expected pairs of name and value");
    if (!out.empty()) out += '&';
    append_quoted_url(heap, out, text_of(heap, items->items[0]), true);
    out += '=';
    append_quoted_url(heap, out, text_of(heap, items->items[1]), true);
  }
  return interpreter.string(std::move(out));
}

Value filter_filesizeformat(Interpreter& interpreter, const Value& input, Args& args) {
  auto [binary] = bind<1>(args, "filesizeformat", {"binary"});
  std::optional<double> bytes;
  if (input.is_number()) bytes = input.as_double();
  if (input.is_string()) bytes = parse_float(input.text());
  if (!bytes) fail("filesizeformat: not a number");
  const bool is_binary = bool_argument(binary);
  const double base = is_binary ? 1024 : 1000;
  if (*bytes == 1) return interpreter.string("1 Byte");
  if (*bytes < base)
    return interpreter.string(fmt::format("{} Bytes", static_cast<int64_t>(std::max(*bytes, -9.2e18))));
  constexpr std::string_view kPrefixes[] = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
  double unit = base;
  for (const std::string_view prefix : kPrefixes) {
    unit *= base;
    if (*bytes < unit || prefix == "Y") {
      const std::string_view shown = is_binary && prefix == "k" ? "K" : prefix;
      return interpreter.string(fmt::format("{:.1f} {}{}", base * *bytes / unit, shown, is_binary ? "iB" : "B"));
    }
  }
  return {};
}

Value filter_tojson(Interpreter& interpreter, const Value& input, Args& args) {
  auto [ascii, indent, separators, sort] =
      bind<4>(args, "tojson", {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ensure_ascii = bool_argument(ascii);
  style.sort_keys = bool_argument(sort);
  if (!indent.is_missing() && !indent.is_none()) {
    style.pretty = true;
    style.item_separator = ",";
    if (indent.is_string()) {
      style.indent = indent.text();
    } else {
      const int64_t spaces = std::max<int64_t>(int_argument(indent, "tojson"), 0);
      interpreter.heap().check_text(static_cast<uint64_t>(spaces));
      interpreter.heap().work(static_cast<uint64_t>(spaces));
      style.indent.assign(static_cast<size_t>(spaces), ' ');
    }
  }
  if (!separators.is_missing() && !separators.is_none()) {
    const List* pair = collect(interpreter.heap(), separators);
    if (pair->items.size() != 2) fail("tojson: separators must be a pair");
    style.item_separator = text_argument(pair->items[0], "tojson");
    style.key_separator = text_argument(pair->items[1], "tojson");
  }
  return interpreter.string(json_text(interpreter.heap(), input, style));
}

}  // namespace

const FilterEntry kTextFilters[] = {
    {"string", filter_string},
    {"upper", filter_upper},
    {"lower", filter_lower},
    {"capitalize", filter_capitalize},
    {"title", filter_title},
    {"trim", filter_trim},
    {"center", filter_center},
    {"replace", filter_replace},
    {"escape", filter_escape},
    {"e", filter_escape},
    {"forceescape", filter_force_escape},
    {"safe", filter_safe},
    {"format", filter_format},
    {"indent", filter_indent},
    {"truncate", filter_truncate},
    {"wordcount", filter_wordcount},
    {"urlencode", filter_urlencode},
    {"filesizeformat", filter_filesizeformat},
    {"tojson", filter_tojson},
};
const size_t kTextFilterCount = std::size(kTextFilters);

}  // namespace shenbi::chat::jinja
