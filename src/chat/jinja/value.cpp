#include "chat/jinja/value.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "base/utf8.h"
#include "chat/jinja/loop.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/text.h"

namespace shenbi::chat::jinja {

Value Value::boolean(bool value) noexcept {
  Value result(Kind::kBool);
  result.data_.integer = value ? 1 : 0;
  return result;
}

Value Value::integer(int64_t value) noexcept {
  Value result(Kind::kInt);
  result.data_.integer = value;
  return result;
}

Value Value::real(double value) noexcept {
  Value result(Kind::kFloat);
  result.data_.real = value;
  return result;
}

Value Value::string(Heap& heap, std::string text, bool is_markup) {
  StringBody* body = heap.new_string(std::move(text), is_markup);
  Value result(Kind::kString);
  result.data_.string = body;
  return result;
}

Value Value::undefined(Absence absence, const Value& what, Kind owner) noexcept {
  Value result(what);
  result.kind_ = Kind::kUndefined;
  result.absence_ = absence;
  result.owner_ = owner;
  return result;
}

Value Value::undefined(Heap& heap, std::string hint) {
  return undefined(Absence::kHint, string(heap, std::move(hint)));
}

std::string Value::undefined_message() const {
  const std::string& name = text();
  switch (absence_) {
    case Absence::kName:
      return fmt::format("{} is undefined", in_quotes(name));
    case Absence::kHint:
      return name;
    case Absence::kElement:
      return fmt::format("{} object has no element {}", type_name(owner_), name);
    case Absence::kAttribute:
      break;
  }
  if (owner_ == Kind::kNone) return fmt::format("'None' has no attribute {}", in_quotes(name));
  return fmt::format("'{} object' has no attribute {}", type_name(owner_), in_quotes(name));
}

int64_t Value::characters() const {
  StringBody* string = data_.string;
  if (string->characters < 0) {
    string->heap->step(string->text.size() / 8);
    string->characters = static_cast<int64_t>(count_characters(string->text));
  }
  return string->characters;
}

Range::Range(int64_t first, int64_t last, int64_t by) : Object(Kind::kRange), start(first), stop(last), step(by) {
  // In 128 bits: the distance of two 64-bit numbers needs 65.
  const __int128 span = step > 0 ? static_cast<__int128>(stop) - start : static_cast<__int128>(start) - stop;
  const __int128 stride = step > 0 ? static_cast<__int128>(step) : -static_cast<__int128>(step);
  const __int128 count = span <= 0 ? 0 : (span + stride - 1) / stride;
  length = count > INT64_MAX ? INT64_MAX : static_cast<int64_t>(count);
}

Value View::at(Heap& heap, size_t index) const {
  const auto& [key, value] = dict.entries[index];
  if (part == Part::kKeys) return key;
  if (part == Part::kValues) return value;
  return make_tuple(heap, {key, value});
}

Value make_list(Heap& heap, std::vector<Value> items) {
  heap.grow(items.size() * sizeof(Value));
  auto* list = heap.make<List>();
  list->items = std::move(items);
  return list;
}

Value make_tuple(Heap& heap, std::vector<Value> items) {
  heap.grow(items.size() * sizeof(Value));
  auto* list = heap.make<List>(Kind::kTuple);
  list->items = std::move(items);
  return list;
}

Value make_group(Heap& heap, const Value& grouper, List* items) {
  const Value group = make_tuple(heap, {grouper, items});
  group.as<List>().is_group = true;
  return group;
}

std::string_view type_name(Kind kind) noexcept {
  switch (kind) {
    case Kind::kMissing:
      return "missing";
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kNone:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return "str";
    case Kind::kList:
      return "list";
    case Kind::kTuple:
      return "tuple";
    case Kind::kDict:
      return "dict";
    case Kind::kRange:
      return "range";
    case Kind::kView:
      return "dict view";
    case Kind::kIterator:
      return "generator";
    case Kind::kNamespace:
      return "Namespace";
    case Kind::kMacro:
      return "Macro";
    case Kind::kFunction:
      return "function";
    case Kind::kLoop:
      return "LoopContext";
    case Kind::kCycler:
      return "Cycler";
    case Kind::kJoiner:
      return "Joiner";
  }
  return "object";
}

bool truthy(const Value& value) {
  switch (value.kind()) {
    case Kind::kMissing:
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
    case Kind::kInt:
      return value.as_int() != 0;
    case Kind::kFloat:
      return value.as_double() != 0;
    case Kind::kString:
      return !value.text().empty();
    case Kind::kList:
    case Kind::kTuple:
      return !value.list().items.empty();
    case Kind::kDict:
      return !value.dict().entries.empty();
    case Kind::kRange:
      return value.as<Range>().length != 0;
    case Kind::kView:
      return !value.as<View>().dict.entries.empty();
    case Kind::kLoop:
      return value.as<Loop>().length() != 0;
    default:
      return true;
  }
}

namespace {

// Exact, as Python compares an int with a float: long double holds every int64 on the machines we build for.
int compare_numbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return a.as_int() < b.as_int() ? -1 : a.as_int() > b.as_int() ? 1 : 0;
  const auto widen = [](const Value& v) {
    return v.is_integral() ? static_cast<long double>(v.as_int()) : static_cast<long double>(v.as_double());
  };
  const long double x = widen(a), y = widen(b);
  if (std::isnan(x) || std::isnan(y)) return 2;  // unordered
  return x < y ? -1 : x > y ? 1 : 0;
}

bool equal_dicts(Heap& heap, const Dict& a, const Dict& b) {
  if (a.entries.size() != b.entries.size()) return false;
  for (const auto& [key, value] : a.entries) {
    const Value* other = b.find(heap, key);
    if (other == nullptr || !equal(heap, value, *other)) return false;
  }
  return true;
}

bool equal_items(Heap& heap, const std::vector<Value>& a, const std::vector<Value>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!equal(heap, a[i], b[i])) return false;
  }
  return true;
}

bool equal_ranges(const Range& a, const Range& b) {
  if (a.length != b.length) return false;
  return a.length == 0 || (a.start == b.start && (a.length == 1 || a.step == b.step));
}

}  // namespace

bool equal(Heap& heap, const Value& a, const Value& b) {
  heap.step();
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kMissing:
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kString:
      if (a.text().size() != b.text().size()) return false;
      heap.work(a.text().size());
      return a.text() == b.text();
    default:
      break;
  }
  if (a.object() == b.object()) return true;
  const DepthGuard guard(heap);
  switch (a.kind()) {
    case Kind::kList:
    case Kind::kTuple:
      return equal_items(heap, a.list().items, b.list().items);
    case Kind::kDict:
      return equal_dicts(heap, a.dict(), b.dict());
    case Kind::kRange:
      return equal_ranges(a.as<Range>(), b.as<Range>());
    default:
      return false;
  }
}

bool less(Heap& heap, const Value& a, const Value& b, std::string_view op, bool or_equal) {
  heap.step();
  if (a.is_undefined()) fail(a.undefined_message());
  if (b.is_undefined()) fail(b.undefined_message());
  if (a.is_number() && b.is_number()) {
    const int order = compare_numbers(a, b);
    return order == -1 || (or_equal && order == 0);
  }
  if (a.is_string() && b.is_string()) {
    heap.work(std::min(a.text().size(), b.text().size()));
    const int order = a.text().compare(b.text());  // UTF-8 sorts as its code points do
    return order < 0 || (or_equal && order == 0);
  }
  if (a.is_sequence() && a.kind() == b.kind()) {
    const DepthGuard guard(heap);
    const auto &x = a.list().items, &y = b.list().items;
    for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
      if (!equal(heap, x[i], y[i])) return less(heap, x[i], y[i], op, or_equal);
    }
    return x.size() < y.size() || (or_equal && x.size() == y.size());
  }
  fail(fmt::format("'{}' not supported between instances of '{}' and '{}'", op, type_name(a.kind()),
                   type_name(b.kind())));
}

uint64_t hash(Heap& heap, const Value& value) {
  heap.step();
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return static_cast<uint64_t>(value.kind());
    case Kind::kBool:
    case Kind::kInt:
      return std::hash<int64_t>{}(value.as_int()) * 0x9E3779B97F4A7C15u;
    case Kind::kFloat: {
      const double real = value.as_double();
      // Equal numbers must hash alike, whatever their type.
      if (std::abs(real) < 9.2e18 && real == std::floor(real)) {
        return std::hash<int64_t>{}(static_cast<int64_t>(real)) * 0x9E3779B97F4A7C15u;
      }
      return std::hash<double>{}(real);
    }
    case Kind::kString:
      heap.work(value.text().size());
      return std::hash<std::string_view>{}(value.text());
    case Kind::kList:
    case Kind::kDict:
    case Kind::kView:
      fail(fmt::format("unhashable type: '{}'", type_name(value.kind())));
    case Kind::kTuple: {
      const DepthGuard guard(heap);
      uint64_t sum = 0x345678;
      for (const Value& item : value.list().items) sum = sum * 1000003 ^ hash(heap, item);
      return sum;
    }
    default:
      return std::hash<const void*>{}(value.object());
  }
}

int64_t length(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return 0;
    case Kind::kString:
      return value.characters();
    case Kind::kList:
    case Kind::kTuple:
      return static_cast<int64_t>(value.list().items.size());
    case Kind::kDict:
      return static_cast<int64_t>(value.dict().entries.size());
    case Kind::kRange:
      return value.as<Range>().length;
    case Kind::kView:
      return static_cast<int64_t>(value.as<View>().dict.entries.size());
    case Kind::kLoop:
      return value.as<Loop>().length();
    default:
      fail(fmt::format("object of type '{}' has no len()", type_name(value.kind())));
  }
}

bool is_iterable(const Value& value) noexcept {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kString:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kDict:
    case Kind::kRange:
    case Kind::kView:
    case Kind::kIterator:
    case Kind::kLoop:
      return true;
    default:
      return false;
  }
}

Cursor::Cursor(Heap& heap, Value source) : heap_(heap), source_(std::move(source)) {
  if (!is_iterable(source_)) fail(fmt::format("'{}' object is not iterable", type_name(source_.kind())));
  if (source_.is(Kind::kDict)) expected_ = source_.dict().entries.size();
  if (source_.is(Kind::kView)) expected_ = source_.as<View>().dict.entries.size();
}

bool Cursor::next(Value& out) {
  heap_.step(2);
  switch (source_.kind()) {
    case Kind::kString: {
      const std::string& text = source_.text();
      if (position_ >= text.size()) return false;
      const size_t bytes = decode_utf8(text, position_).length;
      out = Value::string(heap_, text.substr(position_, bytes), source_.is_markup());
      position_ += bytes;
      return true;
    }
    case Kind::kList:
    case Kind::kTuple:
      if (position_ >= source_.list().items.size()) return false;
      out = source_.list().items[position_++];
      return true;
    case Kind::kRange:
      if (position_ >= static_cast<size_t>(source_.as<Range>().length)) return false;
      out = Value::integer(source_.as<Range>().at(static_cast<int64_t>(position_++)));
      return true;
    case Kind::kDict:
    case Kind::kView: {
      const bool is_view = source_.is(Kind::kView);
      const Dict& dict = is_view ? source_.as<View>().dict : source_.dict();
      if (dict.entries.size() != expected_) fail("dictionary changed size during iteration");
      if (position_ >= expected_) return false;
      out = is_view ? source_.as<View>().at(heap_, position_) : dict.entries[position_].first;
      ++position_;
      return true;
    }
    case Kind::kIterator: {
      const DepthGuard guard(heap_);
      return source_.as<Iterator>().next(out);
    }
    case Kind::kLoop:
      return source_.as<Loop>().next(out);
    default:
      return false;
  }
}

List* collect(Heap& heap, const Value& value) {
  auto* out = heap.make<List>();
  Cursor cursor(heap, value);
  for (Value item; cursor.next(item);) out->push(heap, item);
  return out;
}

}  // namespace shenbi::chat::jinja
