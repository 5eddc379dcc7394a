// Methods of lists, tuples and dicts. The ones that change their object work here, on what the template made itself;
// transformers' sandbox refuses them.

#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/globals.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/sorting.h"

namespace shenbi::chat::jinja {
namespace {

Value list_append(Interpreter& interpreter, const Value& self, Args& args) {
  auto [item] = bind<1>(args, "append", {""}, 1);
  self.as<List>().push(interpreter.heap(), item);
  return {};
}

Value list_extend(Interpreter& interpreter, const Value& self, Args& args) {
  auto [items] = bind<1>(args, "extend", {""}, 1);
  // Collected first: a list may be extended by itself.
  for (const Value& item : collect(interpreter.heap(), items)->items) self.as<List>().push(interpreter.heap(), item);
  return {};
}

Value list_insert(Interpreter& interpreter, const Value& self, Args& args) {
  auto [where, item] = bind<2>(args, "insert", {"", ""}, 2);
  auto& list = self.as<List>();
  const auto size = static_cast<int64_t>(list.items.size());
  int64_t index = int_argument(where, "insert");
  if (index < 0) index = std::max<int64_t>(index + size, 0);
  interpreter.heap().step(list.items.size());
  interpreter.heap().grow(sizeof(Value));
  list.items.insert(list.items.begin() + std::min(index, size), item);
  return {};
}

Value list_pop(Interpreter& interpreter, const Value& self, Args& args) {
  auto [where] = bind<1>(args, "pop", {""});
  auto& list = self.as<List>();
  if (list.items.empty()) fail("pop from empty list");
  const auto size = static_cast<int64_t>(list.items.size());
  int64_t index = int_argument(where, "pop", -1);
  if (index < 0) index += size;
  if (index < 0 || index >= size) fail("pop index out of range");
  interpreter.heap().step(list.items.size() - static_cast<size_t>(index));
  Value item = std::move(list.items[static_cast<size_t>(index)]);
  list.items.erase(list.items.begin() + index);
  return item;
}

int64_t position_of(Heap& heap, const List& list, const Value& item) {
  for (size_t i = 0; i < list.items.size(); ++i) {
    if (equal(heap, list.items[i], item)) return static_cast<int64_t>(i);
  }
  return -1;
}

Value list_remove(Interpreter& interpreter, const Value& self, Args& args) {
  auto [item] = bind<1>(args, "remove", {""}, 1);
  const int64_t at = position_of(interpreter.heap(), self.list(), item);
  if (at < 0) fail("list.remove(x): x not in list");
  interpreter.heap().step(self.list().items.size());
  self.as<List>().items.erase(self.as<List>().items.begin() + at);
  return {};
}

Value list_clear(Interpreter&, const Value& self, Args& args) {
  bind_none(args, "clear");
  self.as<List>().items.clear();
  return {};
}

Value list_reverse(Interpreter& interpreter, const Value& self, Args& args) {
  bind_none(args, "reverse");
  interpreter.heap().step(self.list().items.size());
  std::reverse(self.as<List>().items.begin(), self.as<List>().items.end());
  return {};
}

Value list_sort(Interpreter& interpreter, const Value& self, Args& args) {
  auto [key, reverse] = bind<2>(args, "sort", {"key", "reverse"});
  if (!key.is_missing() && !key.is_none()) fail_unsupported("list.sort with a key");
  std::vector<Value> keys = self.list().items;
  const auto order = sorted_order(interpreter.heap(), keys, bool_argument(reverse));
  for (size_t i = 0; i < order.size(); ++i) self.as<List>().items[i] = keys[order[i]];
  return {};
}

Value list_copy(Interpreter& interpreter, const Value& self, Args& args) {
  bind_none(args, "copy");
  return collect(interpreter.heap(), self);
}

Value sequence_index(Interpreter& interpreter, const Value& self, Args& args) {
  auto [item] = bind<1>(args, "index", {""}, 1);
  const int64_t at = position_of(interpreter.heap(), self.list(), item);
  if (at < 0) fail("the value is not in the list");
  return Value::integer(at);
}

Value sequence_count(Interpreter& interpreter, const Value& self, Args& args) {
  auto [item] = bind<1>(args, "count", {""}, 1);
  int64_t count = 0;
  for (const Value& other : self.list().items) count += equal(interpreter.heap(), other, item) ? 1 : 0;
  return Value::integer(count);
}

// --- dict ---

template <View::Part kPart>
Value dict_view(Interpreter& interpreter, const Value& self, Args& args) {
  bind_none(args, "this method");
  return interpreter.heap().make<View>(self.dict(), kPart);
}

Value dict_get(Interpreter& interpreter, const Value& self, Args& args) {
  auto [key, absent] = bind<2>(args, "get", {"", ""}, 1);
  const Value* found = self.dict().find(interpreter.heap(), key);
  if (found != nullptr) return *found;
  return absent.is_missing() ? Value() : absent;
}

Value dict_pop(Interpreter& interpreter, const Value& self, Args& args) {
  auto [key, absent] = bind<2>(args, "pop", {"", ""}, 1);
  const Value* found = self.dict().find(interpreter.heap(), key);
  if (found == nullptr) {
    if (absent.is_missing()) fail("pop(): the dictionary has no such key");
    return absent;
  }
  const Value value = *found;
  self.dict().erase(interpreter.heap(), key);
  return value;
}

Value dict_popitem(Interpreter& interpreter, const Value& self, Args& args) {
  bind_none(args, "popitem");
  if (self.dict().entries.empty()) fail("popitem(): dictionary is empty");
  const auto [key, value] = self.dict().entries.back();
  self.dict().erase(interpreter.heap(), key);
  return make_tuple(interpreter.heap(), {key, value});
}

Value dict_update(Interpreter& interpreter, const Value& self, Args& args) {
  const Dict* with = make_dict(interpreter, args, "update");
  for (const auto& [key, value] : with->entries) self.dict().set(interpreter.heap(), key, value);
  return {};
}

Value dict_setdefault(Interpreter& interpreter, const Value& self, Args& args) {
  auto [key, absent] = bind<2>(args, "setdefault", {"", ""}, 1);
  if (const Value* found = self.dict().find(interpreter.heap(), key)) return *found;
  const Value value = absent.is_missing() ? Value() : absent;
  self.dict().set(interpreter.heap(), key, value);
  return value;
}

Value dict_clear(Interpreter&, const Value& self, Args& args) {
  bind_none(args, "clear");
  self.dict().clear();
  return {};
}

Value dict_copy(Interpreter& interpreter, const Value& self, Args& args) {
  bind_none(args, "copy");
  Args source;
  source.positional.push_back(self);
  return make_dict(interpreter, source, "copy");
}

}  // namespace

const MethodEntry kListMethods[] = {
    {"append", list_append}, {"extend", list_extend},   {"insert", list_insert},   {"pop", list_pop},
    {"remove", list_remove}, {"clear", list_clear},     {"reverse", list_reverse}, {"sort", list_sort},
    {"copy", list_copy},     {"index", sequence_index}, {"count", sequence_count},
};
const size_t kListMethodCount = std::size(kListMethods);

const MethodEntry kTupleMethods[] = {{"index", sequence_index}, {"count", sequence_count}};
const size_t kTupleMethodCount = std::size(kTupleMethods);

const MethodEntry kDictMethods[] = {
    {"items", dict_view<View::Part::kItems>},
    {"keys", dict_view<View::Part::kKeys>},
    {"values", dict_view<View::Part::kValues>},
    {"get", dict_get},
    {"pop", dict_pop},
    {"popitem", dict_popitem},
    {"update", dict_update},
    {"setdefault", dict_setdefault},
    {"clear", dict_clear},
    {"copy", dict_copy},
};
const size_t kDictMethodCount = std::size(kDictMethods);

}  // namespace shenbi::chat::jinja
