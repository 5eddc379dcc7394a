// Filters that take or give sequences.

#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/attribute_path.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/sorting.h"
#include "chat/jinja/text.h"

namespace shenbi::chat::jinja {
namespace {

Value filter_default(Interpreter& interpreter, const Value& input, Args& args) {
  auto [absent, falsy] = bind<2>(args, "default", {"default_value", "boolean"});
  if (!input.is_undefined() && !(bool_argument(falsy) && !truthy(input))) return input;
  return absent.is_missing() ? interpreter.string("") : absent;
}

Value filter_list(Interpreter& interpreter, const Value& input, Args& args) {
  bind_none(args, "list");
  return collect(interpreter.heap(), input);
}

Value filter_items(Interpreter& interpreter, const Value& input, Args& args) {
  bind_none(args, "items");
  Heap& heap = interpreter.heap();
  const Value source = input;
  // A generator, so that its failures come when it is walked.
  auto cursor = std::shared_ptr<Cursor>();
  return heap.make<Iterator>([&heap, source, cursor](Value& out) mutable {
    if (source.is_undefined()) return false;
    if (!source.is(Kind::kDict)) fail("Can only get item pairs from a mapping.");
    if (!cursor) cursor = std::make_shared<Cursor>(heap, heap.make<View>(source.dict(), View::Part::kItems));
    return cursor->next(out);
  });
}

Value filter_join(Interpreter& interpreter, const Value& input, Args& args) {
  auto [between, attribute] = bind<2>(args, "join", {"d", "attribute"});
  Heap& heap = interpreter.heap();
  const AttributePath path(interpreter, attribute);
  const std::string separator = between.is_missing() ? "" : text_of(heap, between);
  std::string out;
  bool first = true;
  Cursor cursor(heap, input);
  for (Value item; cursor.next(item);) {
    if (!std::exchange(first, false)) {
      heap.check_text(out.size() + separator.size());
      heap.work(separator.size());
      out += separator;
    }
    append_text(heap, out, path.read(interpreter, item));
  }
  return interpreter.string(std::move(out));
}

Value filter_first(Interpreter& interpreter, const Value& input, Args& args) {
  bind_none(args, "first");
  Cursor cursor(interpreter.heap(), input);
  Value item;
  if (cursor.next(item)) return item;
  return Value::undefined(interpreter.heap(), "No first item, sequence was empty.");
}

bool is_reversible(const Value& value) {
  return value.is_string() || value.is_sequence() || value.is(Kind::kRange) || value.is(Kind::kDict) ||
         value.is(Kind::kView) || value.is_undefined();
}

Value filter_last(Interpreter& interpreter, const Value& input, Args& args) {
  bind_none(args, "last");
  if (!is_reversible(input)) fail(fmt::format("'{}' object is not reversible", type_name(input.kind())));
  List* items = collect(interpreter.heap(), input);
  if (!items->items.empty()) return items->items.back();
  return Value::undefined(interpreter.heap(), "No last item, sequence was empty.");
}

Value iterator_over(Heap& heap, List* items) {
  size_t position = 0;
  return heap.make<Iterator>([items, position](Value& out) mutable {
    if (position == items->items.size()) return false;
    out = items->items[position++];
    return true;
  });
}

Value filter_reverse(Interpreter& interpreter, const Value& input, Args& args) {
  bind_none(args, "reverse");
  Heap& heap = interpreter.heap();
  if (input.is_string()) return slice(heap, input, Value(), Value(), Value::integer(-1));
  if (!is_iterable(input)) fail("argument must be iterable");
  List* items = collect(heap, input);
  heap.step(items->items.size());
  std::reverse(items->items.begin(), items->items.end());
  return is_reversible(input) ? iterator_over(heap, items) : Value(items);
}

Value filter_dictsort(Interpreter& interpreter, const Value& input, Args& args) {
  auto [case_sensitive, by, reverse] = bind<3>(args, "dictsort", {"case_sensitive", "by", "reverse"});
  Heap& heap = interpreter.heap();
  const std::string_view part = text_argument(by, "dictsort", "key");
  if (part != "key" && part != "value") fail("You can only sort by either \"key\" or \"value\"");
  if (input.is_undefined()) fail(input.undefined_message());
  if (!input.is(Kind::kDict)) fail(fmt::format("'{}' object has no attribute 'items'", type_name(input.kind())));
  std::vector<Value> keys;
  for (const auto& [key, value] : input.dict().entries) {
    heap.step();
    const Value& one = part == "key" ? key : value;
    keys.push_back(bool_argument(case_sensitive) ? one : ignoring_case(interpreter, one));
  }
  auto* out = heap.make<List>();
  for (const uint32_t index : sorted_order(heap, keys, bool_argument(reverse))) {
    const auto& [key, value] = input.dict().entries[index];
    out->push(heap, make_tuple(heap, {key, value}));
  }
  return out;
}

/// Sort keys of `sort`: each item's attributes (several, with commas) as one list.
std::vector<Value> sort_keys(Interpreter& interpreter, const List& items, const Value& attribute, bool case_sensitive) {
  Heap& heap = interpreter.heap();
  std::vector<AttributePath> paths;
  if (attribute.is_string()) {
    for (const std::string_view part : split(attribute.text(), ",", -1)) {
      heap.step();
      paths.emplace_back(interpreter, interpreter.string(std::string(part)));
    }
  } else {
    paths.emplace_back(interpreter, attribute);
  }
  std::vector<Value> keys;
  for (const Value& item : items.items) {
    auto* key = heap.make<List>();
    for (const AttributePath& path : paths) {
      const Value value = path.read(interpreter, item);
      key->push(heap, case_sensitive ? value : ignoring_case(interpreter, value));
    }
    keys.emplace_back(key);
  }
  return keys;
}

Value filter_sort(Interpreter& interpreter, const Value& input, Args& args) {
  auto [reverse, case_sensitive, attribute] = bind<3>(args, "sort", {"reverse", "case_sensitive", "attribute"});
  Heap& heap = interpreter.heap();
  List* items = collect(heap, input);
  const auto keys = sort_keys(interpreter, *items, attribute, bool_argument(case_sensitive));
  auto* out = heap.make<List>();
  for (const uint32_t index : sorted_order(heap, keys, bool_argument(reverse))) out->push(heap, items->items[index]);
  return out;
}

Value filter_unique(Interpreter& interpreter, const Value& input, Args& args) {
  auto [case_sensitive, attribute] = bind<2>(args, "unique", {"case_sensitive", "attribute"});
  Heap& heap = interpreter.heap();
  const bool mind_case = bool_argument(case_sensitive);
  auto* seen = heap.make<Dict>();
  const auto path = std::make_shared<AttributePath>(interpreter, attribute);
  const Value source = input;
  std::shared_ptr<Cursor> cursor;
  return heap.make<Iterator>([&interpreter, &heap, mind_case, seen, path, source, cursor](Value& out) mutable {
    if (!cursor) cursor = std::make_shared<Cursor>(heap, source);
    for (Value item; cursor->next(item);) {
      Value key = path->read(interpreter, item);
      if (!mind_case) key = ignoring_case(interpreter, key);
      if (seen->find(heap, key) != nullptr) continue;
      seen->set(heap, key, Value());
      out = item;
      return true;
    }
    return false;
  });
}

template <bool kMax>
Value filter_extreme(Interpreter& interpreter, const Value& input, Args& args) {
  auto [case_sensitive, attribute] = bind<2>(args, kMax ? "max" : "min", {"case_sensitive", "attribute"});
  Heap& heap = interpreter.heap();
  const AttributePath path(interpreter, attribute);
  const auto key_of = [&](const Value& item) {
    const Value key = path.read(interpreter, item);
    return bool_argument(case_sensitive) ? key : ignoring_case(interpreter, key);
  };
  Cursor cursor(heap, input);
  Value best;
  if (!cursor.next(best)) return Value::undefined(heap, "No aggregated item, sequence was empty.");
  Value best_key = key_of(best);
  for (Value item; cursor.next(item);) {
    Value key = key_of(item);
    if (!(kMax ? less(heap, best_key, key, ">") : less(heap, key, best_key))) continue;
    best = item;
    best_key = std::move(key);
  }
  return best;
}

Value filter_sum(Interpreter& interpreter, const Value& input, Args& args) {
  auto [attribute, start] = bind<2>(args, "sum", {"attribute", "start"});
  Heap& heap = interpreter.heap();
  const AttributePath path(interpreter, attribute);
  Value total = start.is_missing() ? Value::integer(0) : start;
  if (total.is_string()) fail("sum() can't sum strings [use ''.join(seq) instead]");
  Cursor cursor(heap, input);
  for (Value item; cursor.next(item);) total = apply(heap, Arithmetic::kAdd, total, path.read(interpreter, item));
  return total;
}

Value filter_batch(Interpreter& interpreter, const Value& input, Args& args) {
  auto [count, fill] = bind<2>(args, "batch", {"linecount", "fill_with"}, 1);
  Heap& heap = interpreter.heap();
  const int64_t size = int_argument(count, "batch");
  const Value filler = fill;
  const Value source = input;
  std::shared_ptr<Cursor> cursor;
  Value held = Value::missing();
  bool done = false;
  return heap.make<Iterator>([&heap, size, filler, source, cursor, held, done](Value& out) mutable {
    if (done) return false;
    if (!cursor) cursor = std::make_shared<Cursor>(heap, source);
    auto* row = heap.make<List>();
    if (!held.is_missing()) row->push(heap, std::exchange(held, Value::missing()));
    for (Value item; cursor->next(item);) {
      if (static_cast<int64_t>(row->items.size()) == size) {
        held = item;
        out = row;
        return true;
      }
      row->push(heap, item);
    }
    done = true;
    if (row->items.empty()) return false;
    if (!filler.is_missing() && !filler.is_none() && static_cast<int64_t>(row->items.size()) < size) {
      List::charge(heap, static_cast<uint64_t>(size) - row->items.size());
      while (static_cast<int64_t>(row->items.size()) < size) row->push(heap, filler);
    }
    out = row;
    return true;
  });
}

Value filter_slice(Interpreter& interpreter, const Value& input, Args& args) {
  auto [count, fill] = bind<2>(args, "slice", {"slices", "fill_with"}, 1);
  Heap& heap = interpreter.heap();
  const int64_t slices = int_argument(count, "slice");
  List* items = collect(heap, input);
  if (slices == 0) fail("integer division or modulo by zero");
  auto* out = heap.make<List>();
  if (slices < 0) return iterator_over(heap, out);
  const auto length = static_cast<int64_t>(items->items.size());
  const int64_t each = length / slices, extra = length % slices;
  int64_t begin = 0;
  for (int64_t i = 0; i < slices; ++i) {
    const int64_t end = begin + each + (i < extra ? 1 : 0);
    auto* part = heap.make<List>();
    for (; begin < end; ++begin) part->push(heap, items->items[static_cast<size_t>(begin)]);
    if (!fill.is_missing() && !fill.is_none() && i >= extra) part->push(heap, fill);
    out->push(heap, part);
  }
  return iterator_over(heap, out);
}

Value filter_groupby(Interpreter& interpreter, const Value& input, Args& args) {
  auto [attribute, absent, case_sensitive] = bind<3>(args, "groupby", {"attribute", "default", "case_sensitive"}, 1);
  Heap& heap = interpreter.heap();
  const AttributePath path(interpreter, attribute);
  const bool mind_case = bool_argument(case_sensitive);
  List* items = collect(heap, input);
  std::vector<Value> keys;
  for (const Value& item : items->items) {
    const Value key = path.read(interpreter, item, absent);
    keys.push_back(mind_case ? key : ignoring_case(interpreter, key));
  }
  auto* out = heap.make<List>();
  List* group = nullptr;
  const Value* group_key = nullptr;
  for (const uint32_t index : sorted_order(heap, keys, false)) {
    if (group == nullptr || !equal(heap, *group_key, keys[index])) {
      group = heap.make<List>();
      group_key = &keys[index];
      const Value shown = mind_case ? keys[index] : path.read(interpreter, items->items[index], absent);
      out->push(heap, make_group(heap, shown, group));
    }
    group->push(heap, items->items[index]);
  }
  return out;
}

Value filter_attr(Interpreter& interpreter, const Value& input, Args& args) {
  auto [name] = bind<1>(args, "attr", {"name"}, 1);
  text_argument(name, "attr");
  // Attributes alone: an item of that name does not count.
  if (input.is(Kind::kDict) || input.is_sequence()) {
    if (name.text().starts_with("_")) return interpreter.attribute(input, name);
    const Value found = interpreter.attribute(input, name);
    if (!found.is(Kind::kFunction)) return Value::undefined(Absence::kAttribute, name, input.kind());
    return found;
  }
  return interpreter.attribute(input, name);
}

}  // namespace

const FilterEntry kSequenceFilters[] = {
    {"default", filter_default},   {"d", filter_default},   {"list", filter_list},     {"items", filter_items},
    {"join", filter_join},         {"first", filter_first}, {"last", filter_last},     {"reverse", filter_reverse},
    {"dictsort", filter_dictsort}, {"sort", filter_sort},   {"unique", filter_unique}, {"min", filter_extreme<false>},
    {"max", filter_extreme<true>}, {"sum", filter_sum},     {"batch", filter_batch},   {"slice", filter_slice},
    {"groupby", filter_groupby},   {"attr", filter_attr},
};
const size_t kSequenceFilterCount = std::size(kSequenceFilters);

}  // namespace shenbi::chat::jinja
