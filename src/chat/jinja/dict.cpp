// Dicts: entries in order of insertion, and from nine entries on a table of indices, open addressing with linear
// probing. Every probe is charged, so that keys chosen to collide cost steps, not time.

#include "chat/jinja/value.h"

namespace shenbi::chat::jinja {

namespace {
constexpr size_t kSmall = 8;
constexpr size_t kAbsent = SIZE_MAX;
}  // namespace

size_t Dict::position(Heap& heap, const Value& key) const {
  if (table_.empty()) {
    // Even where no hash is needed, a key that has none must fail as in Python.
    if (!key.is_string()) hash(heap, key);
    for (size_t i = 0; i < entries.size(); ++i) {
      if (equal(heap, entries[i].first, key)) return i;
    }
    return kAbsent;
  }
  const size_t mask = table_.size() - 1;
  for (size_t slot = hash(heap, key) & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
    const size_t index = table_[slot] - 1;
    if (equal(heap, entries[index].first, key)) return index;
  }
  return kAbsent;
}

const Value* Dict::find(Heap& heap, const Value& key) const {
  const size_t index = position(heap, key);
  return index == kAbsent ? nullptr : &entries[index].second;
}

const Value* Dict::find(Heap& heap, std::string_view key) const {
  if (table_.empty()) {
    for (const auto& [name, value] : entries) {
      if (name.is_string() && name.text() == key) return &value;
    }
    return nullptr;
  }
  return find(heap, Value::string(heap, std::string(key)));
}

void Dict::set(Heap& heap, const Value& key, Value value) {
  const size_t index = position(heap, key);
  if (index != kAbsent) {
    entries[index].second = std::move(value);
    return;
  }
  heap.grow(sizeof(entries[0]) + 2 * sizeof(uint32_t));
  entries.emplace_back(key, std::move(value));
  if (entries.size() <= kSmall) return;
  if (entries.size() * 2 > table_.size()) return rebuild(heap);
  const size_t mask = table_.size() - 1;
  size_t slot = hash(heap, key) & mask;
  while (table_[slot] != 0) slot = (slot + 1) & mask;
  table_[slot] = static_cast<uint32_t>(entries.size());
}

void Dict::rebuild(Heap& heap) {
  size_t size = 32;
  while (size < entries.size() * 4) size *= 2;
  table_.assign(size, 0);
  for (size_t i = 0; i < entries.size(); ++i) {
    size_t slot = hash(heap, entries[i].first) & (size - 1);
    while (table_[slot] != 0) slot = (slot + 1) & (size - 1);
    table_[slot] = static_cast<uint32_t>(i + 1);
  }
}

bool Dict::erase(Heap& heap, const Value& key) {
  const size_t index = position(heap, key);
  if (index == kAbsent) return false;
  heap.step(entries.size());
  entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(index));
  table_.clear();
  if (entries.size() > kSmall) rebuild(heap);
  return true;
}

}  // namespace shenbi::chat::jinja
