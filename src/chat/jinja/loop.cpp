#include "chat/jinja/loop.h"

namespace shenbi::chat::jinja {

const Value& Loop::peek() {
  if (!ahead_.is_missing()) return ahead_;
  Value item;
  bool found;
  if (drained_ != nullptr) {
    found = drained_position_ < drained_->items.size();
    if (found) item = drained_->items[drained_position_++];
  } else {
    found = cursor_.next(item);
  }
  if (found) ahead_ = std::move(item);
  return ahead_;
}

bool Loop::next(Value& out) {
  if (peek().is_missing()) return false;
  previous = std::move(current_);
  current_ = std::move(ahead_);
  ahead_ = Value::missing();
  ++index0;
  out = current_;
  return true;
}

int64_t Loop::length() {
  if (length_ >= 0) return length_;
  if (!source_.is(Kind::kIterator)) return length_ = jinja::length(source_);
  drained_ = heap_.make<List>();
  for (Value item; cursor_.next(item);) drained_->push(heap_, item);
  length_ = static_cast<int64_t>(drained_->items.size()) + index0 + 1 + (ahead_.is_missing() ? 0 : 1);
  return length_;
}

bool Loop::changed(Value values) {
  if (!last_changed_.is_missing() && equal(heap_, last_changed_, values)) return false;
  last_changed_ = std::move(values);
  return true;
}

}  // namespace shenbi::chat::jinja
