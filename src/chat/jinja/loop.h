#pragma once
// The `loop` of a for block: walks the iterable one item ahead at most, and only when the template asks for `last` or
// `nextitem`; a generator is drained only when it asks for the length.

#include "chat/jinja/value.h"

namespace shenbi::chat::jinja {

struct ForStatement;
struct Activation;

struct Loop : Object {
  Loop(Heap& heap, Value iterable, int64_t outer_depth)
      : Object(Kind::kLoop), depth0(outer_depth), heap_(heap), source_(iterable), cursor_(heap, std::move(iterable)) {}

  bool next(Value& out);
  int64_t length();
  bool is_last() { return peek().is_missing(); }
  const Value& peek();
  /// loop.changed(...): whether the values differ from those of the last call.
  bool changed(Value values);

  int64_t index0 = -1;
  const int64_t depth0;
  Value previous = Value::missing();
  /// Set for recursive loops: what loop(...) renders again.
  const ForStatement* statement = nullptr;
  Activation* scope = nullptr;

 private:
  Heap& heap_;
  Value source_;
  Cursor cursor_;
  Value current_ = Value::missing();
  Value ahead_ = Value::missing();
  Value last_changed_ = Value::missing();
  int64_t length_ = -1;
  List* drained_ = nullptr;
  size_t drained_position_ = 0;
};

}  // namespace shenbi::chat::jinja
