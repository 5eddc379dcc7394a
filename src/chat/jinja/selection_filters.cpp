// map, select, reject and their forms on attributes: generators that call a filter or a test for each item.

#include <fmt/format.h>

#include "chat/jinja/attribute_path.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/tests.h"

namespace shenbi::chat::jinja {
namespace {

/// The first walk makes the cursor, and only if the value is true: a generator's failures come late.
bool start(Heap& heap, const Value& source, std::shared_ptr<Cursor>& cursor) {
  if (cursor) return true;
  if (!truthy(source)) return false;
  cursor = std::make_shared<Cursor>(heap, source);
  return true;
}

Value map_attribute(Interpreter& interpreter, const Value& input, Args& args) {
  const Value attribute = args.take("attribute"), absent = args.take("default");
  if (!args.named.empty()) fail(fmt::format("Unexpected keyword argument '{}'", args.named.front().first));
  const auto path = std::make_shared<AttributePath>(interpreter, attribute);
  std::shared_ptr<Cursor> cursor;
  const Value source = input;
  return interpreter.heap().make<Iterator>([&interpreter, source, path, absent, cursor](Value& out) mutable {
    if (!start(interpreter.heap(), source, cursor) || !cursor->next(out)) return false;
    out = path->read(interpreter, out, absent);
    return true;
  });
}

Value filter_map(Interpreter& interpreter, const Value& input, Args& args) {
  bool by_attribute = false;
  for (const auto& [name, value] : args.named) by_attribute = by_attribute || name == "attribute";
  if (args.positional.empty() && by_attribute) return map_attribute(interpreter, input, args);
  std::shared_ptr<Cursor> cursor;
  const Value source = input;
  const Args given = args;
  return interpreter.heap().make<Iterator>([&interpreter, source, given, cursor](Value& out) mutable {
    if (!start(interpreter.heap(), source, cursor)) return false;
    if (given.positional.empty()) fail("map requires a filter argument");
    if (!cursor->next(out)) return false;
    if (!given.positional.front().is_string()) fail("map requires the name of a filter");
    Args rest = given;
    rest.positional.erase(rest.positional.begin());
    interpreter.heap().step(4 + rest.positional.size());
    out = interpreter.filter(given.positional.front().text(), out, rest);
    return true;
  });
}

template <bool kSelect, bool kByAttribute>
Value filter_selection(Interpreter& interpreter, const Value& input, Args& args) {
  std::shared_ptr<Cursor> cursor;
  const Value source = input;
  const Args given = args;
  constexpr size_t kOffset = kByAttribute ? 1 : 0;
  std::shared_ptr<AttributePath> path;
  return interpreter.heap().make<Iterator>([&interpreter, source, given, path, cursor](Value& out) mutable {
    if (!start(interpreter.heap(), source, cursor)) return false;
    if (!path) {
      if (given.positional.size() < kOffset) fail("Missing parameter for attribute name");
      path = std::make_shared<AttributePath>(interpreter, kByAttribute ? given.positional.front() : Value());
    }
    for (Value item; cursor->next(item);) {
      const Value subject = path->read(interpreter, item);
      bool holds = false;
      if (given.positional.size() == kOffset) {
        holds = truthy(subject);
      } else {
        const Value& name = given.positional[kOffset];
        if (!name.is_string()) fail("the name of a test must be a string");
        Args rest = given;
        rest.positional.erase(rest.positional.begin(), rest.positional.begin() + kOffset + 1);
        interpreter.heap().step(4 + rest.positional.size());
        holds = interpreter.test(name.text(), subject, rest);
      }
      if (holds != kSelect) continue;
      out = item;
      return true;
    }
    return false;
  });
}

}  // namespace

const FilterEntry kSelectionFilters[] = {
    {"map", filter_map},
    {"select", filter_selection<true, false>},
    {"reject", filter_selection<false, false>},
    {"selectattr", filter_selection<true, true>},
    {"rejectattr", filter_selection<false, true>},
};
const size_t kSelectionFilterCount = std::size(kSelectionFilters);

}  // namespace shenbi::chat::jinja
