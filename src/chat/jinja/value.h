#pragma once
// A value of a running template: sixteen bytes, with Python's types and Python's rules.
//
//   Value name = Value::string(heap, "tool");
//   Value pair = make_tuple(heap, {name, Value::integer(3)});
//   if (equal(heap, a, b)) ...
//
// Copies are cheap (a count for strings, a pointer for objects). Lists and dicts are shared by reference, as in
// Python. A value must not outlive its heap. Not thread-safe: one heap, one rendering, one thread.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/jinja/heap.h"

namespace shenbi::chat::jinja {

struct List;
struct Dict;

/// Why a value is undefined; decides the message when somebody uses it.
enum class Absence : uint8_t { kName, kAttribute, kElement, kHint };

class Value {
 public:
  Value() noexcept = default;  ///< None
  Value(const Value& other) noexcept
      : kind_(other.kind_), absence_(other.absence_), owner_(other.owner_), data_(other.data_) {
    if (holds_string()) ++data_.string->references;
  }
  Value(Value&& other) noexcept
      : kind_(other.kind_), absence_(other.absence_), owner_(other.owner_), data_(other.data_) {
    other.kind_ = Kind::kNone;
  }
  Value& operator=(Value other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(absence_, other.absence_);
    std::swap(owner_, other.owner_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~Value() {
    if (holds_string() && --data_.string->references == 0) Heap::free_string(data_.string);
  }
  Value(Object* object) noexcept : kind_(object->kind) { data_.object = object; }  // NOLINT: an object is a value

  static Value missing() noexcept { return Value(Kind::kMissing); }
  static Value boolean(bool value) noexcept;
  static Value integer(int64_t value) noexcept;
  static Value real(double value) noexcept;
  static Value string(Heap& heap, std::string text, bool is_markup = false);
  /// `what` is the name or hint (a string), `owner` the kind of value that lacks it.
  static Value undefined(Absence absence, const Value& what, Kind owner = Kind::kNone) noexcept;
  static Value undefined(Heap& heap, std::string hint);

  Kind kind() const noexcept { return kind_; }
  bool is(Kind kind) const noexcept { return kind_ == kind; }
  bool is_missing() const noexcept { return kind_ == Kind::kMissing; }
  bool is_undefined() const noexcept { return kind_ == Kind::kUndefined; }
  bool is_none() const noexcept { return kind_ == Kind::kNone; }
  bool is_string() const noexcept { return kind_ == Kind::kString; }
  bool is_markup() const noexcept { return is_string() && data_.string->is_markup; }
  bool is_integral() const noexcept { return kind_ == Kind::kInt || kind_ == Kind::kBool; }
  bool is_number() const noexcept { return is_integral() || kind_ == Kind::kFloat; }
  bool is_sequence() const noexcept { return kind_ == Kind::kList || kind_ == Kind::kTuple; }

  bool as_bool() const noexcept { return data_.integer != 0; }
  int64_t as_int() const noexcept { return data_.integer; }  ///< kInt and kBool
  double as_double() const noexcept { return kind_ == Kind::kFloat ? data_.real : static_cast<double>(data_.integer); }
  const std::string& text() const noexcept { return data_.string->text; }
  StringBody* body() const noexcept { return data_.string; }
  Object* object() const noexcept { return data_.object; }
  const List& list() const noexcept;
  List& list() noexcept;
  Dict& dict() const noexcept;
  template <class T>
  T& as() const noexcept {
    return *static_cast<T*>(data_.object);
  }

  /// The message of an undefined value, e.g. "'dict object' has no attribute 'x'".
  std::string undefined_message() const;

  /// Code points of a string.
  int64_t characters() const;
  bool is_ascii() const { return characters() == static_cast<int64_t>(text().size()); }

 private:
  explicit Value(Kind kind) noexcept : kind_(kind) { data_.integer = 0; }
  bool holds_string() const noexcept { return kind_ == Kind::kString || kind_ == Kind::kUndefined; }

  Kind kind_ = Kind::kNone;
  Absence absence_ = Absence::kName;
  Kind owner_ = Kind::kNone;
  union {
    int64_t integer;
    double real;
    StringBody* string;
    Object* object;
  } data_ = {0};
};

/// A list, or a tuple when its kind says so.
struct List : Object {
  explicit List(Kind which = Kind::kList) : Object(which) {}
  bool is_group = false;  ///< a pair of groupby, whose items are also called grouper and list
  /// Charges for `count` more items before any is made: twice their size, as a growing vector holds up to that.
  static void charge(Heap& heap, uint64_t count) {
    heap.step(count > UINT32_MAX ? UINT32_MAX : count);
    heap.grow(count > UINT32_MAX ? UINT64_MAX : count * 2 * sizeof(Value));
  }
  void push(Heap& heap, Value value) {
    charge(heap, 1);
    items.push_back(std::move(value));
  }
  std::vector<Value> items;
};

/// A dict in order of insertion. Small ones are searched, larger ones have an open-addressing table of indices.
struct Dict : Object {
  Dict() : Object(Kind::kDict) {}

  const Value* find(Heap& heap, const Value& key) const;
  const Value* find(Heap& heap, std::string_view key) const;
  void set(Heap& heap, const Value& key, Value value);
  /// False when there is no such key.
  bool erase(Heap& heap, const Value& key);
  void clear() {
    entries.clear();
    table_.clear();
  }

  std::vector<std::pair<Value, Value>> entries;

 private:
  size_t position(Heap& heap, const Value& key) const;
  void rebuild(Heap& heap);
  std::vector<uint32_t> table_;  ///< index + 1 of an entry, 0 is free; empty below kSmall entries
};

struct Range : Object {
  Range(int64_t first, int64_t last, int64_t by);
  /// Wraps instead of overflowing: a slice may ask for a bound just outside.
  int64_t at(int64_t index) const {
    return static_cast<int64_t>(static_cast<uint64_t>(start) +
                                static_cast<uint64_t>(index) * static_cast<uint64_t>(step));
  }
  int64_t start, stop, step, length;
};

struct View : Object {
  enum class Part { kKeys, kValues, kItems };
  View(Dict& of, Part which) : Object(Kind::kView), dict(of), part(which) {}
  Value at(Heap& heap, size_t index) const;
  Dict& dict;
  Part part;
};

/// A generator: yields each value once, when asked.
struct Iterator : Object {
  explicit Iterator(std::function<bool(Value&)> source) : Object(Kind::kIterator), next(std::move(source)) {}
  std::function<bool(Value&)> next;
};

struct Namespace : Object {
  explicit Namespace(Dict& with) : Object(Kind::kNamespace), attributes(with) {}
  Dict& attributes;
};

inline const List& Value::list() const noexcept { return *static_cast<const List*>(data_.object); }
inline List& Value::list() noexcept { return *static_cast<List*>(data_.object); }
inline Dict& Value::dict() const noexcept { return *static_cast<Dict*>(data_.object); }

Value make_list(Heap& heap, std::vector<Value> items);
Value make_tuple(Heap& heap, std::vector<Value> items);
Value make_group(Heap& heap, const Value& grouper, List* items);

/// Python's name of the type, as it stands in messages ("str", "int", "dict", ...).
std::string_view type_name(Kind kind) noexcept;

bool truthy(const Value& value);
bool equal(Heap& heap, const Value& a, const Value& b);
/// Python's `<` (or `<=`) on numbers, strings, lists and tuples; fails on other pairs, naming `op`.
bool less(Heap& heap, const Value& a, const Value& b, std::string_view op = "<", bool or_equal = false);
/// Fails on what cannot be a key (lists, dicts).
uint64_t hash(Heap& heap, const Value& value);

/// len(); fails where Python has none.
int64_t length(const Value& value);

/// Walks any iterable value, lazily. Fails (at construction) on what cannot be iterated.
class Cursor {
 public:
  Cursor(Heap& heap, Value source);
  bool next(Value& out);

 private:
  Heap& heap_;
  Value source_;
  size_t position_ = 0;
  size_t expected_ = 0;  ///< a dict's size when the walk began
};

bool is_iterable(const Value& value) noexcept;
/// list(value)
List* collect(Heap& heap, const Value& value);

}  // namespace shenbi::chat::jinja
