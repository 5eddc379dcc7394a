#include "chat/jinja/globals.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/strftime.h"

namespace shenbi::chat::jinja {

Dict* make_dict(Interpreter& interpreter, Args& args, std::string_view function) {
  Heap& heap = interpreter.heap();
  auto* dict = heap.make<Dict>();
  if (args.positional.size() > 1)
    fail(fmt::format("{} expected at most 1 argument, got {}", function, args.positional.size()));
  if (!args.positional.empty()) {
    const Value& source = args.positional.front();
    if (source.is(Kind::kDict)) {
      for (const auto& [key, value] : source.dict().entries) dict->set(heap, key, value);
    } else {
      Cursor cursor(heap, source);
      for (Value pair; cursor.next(pair);) {
        List* items = collect(heap, pair);
        if (items->items.size() != 2) fail("dictionary update sequence element has the wrong length; 2 is required");
        dict->set(heap, items->items[0], items->items[1]);
      }
    }
  }
  for (const auto& [name, value] : args.named) dict->set(heap, interpreter.string(name), value);
  return dict;
}

namespace {

Value global_range(Interpreter& interpreter, const Value&, Args& args) {
  if (!args.named.empty()) fail("range() takes no keyword arguments");
  const auto& given = args.positional;
  if (given.empty() || given.size() > 3) fail(fmt::format("range expected 1 to 3 arguments, got {}", given.size()));
  const auto number = [&](size_t i) { return int_argument(given[i], "range"); };
  const int64_t start = given.size() > 1 ? number(0) : 0;
  const int64_t stop = number(given.size() > 1 ? 1 : 0);
  const int64_t step = given.size() > 2 ? number(2) : 1;
  if (step == 0) fail("range() arg 3 must not be zero");
  auto* range = interpreter.heap().make<Range>(start, stop, step);
  if (static_cast<uint64_t>(range->length) > limits::kMaxTemplateRange) {
    fail(fmt::format("range too big: {} items, the limit is {}", range->length, limits::kMaxTemplateRange));
  }
  return range;
}

Value global_dict(Interpreter& interpreter, const Value&, Args& args) { return make_dict(interpreter, args, "dict"); }

Value global_namespace(Interpreter& interpreter, const Value&, Args& args) {
  Dict* attributes = make_dict(interpreter, args, "namespace");
  for (const auto& [name, value] : attributes->entries) {
    if (name.is_string() && name.text().starts_with('_'))
      fail(fmt::format("unknown attribute {}", in_quotes(name.text())));
  }
  return interpreter.heap().make<Namespace>(*attributes);
}

Value global_raise_exception(Interpreter& interpreter, const Value&, Args& args) {
  auto [message] = bind<1>(args, "raise_exception", {"message"}, 1);
  throw Error(Code::kInvalidArgument, text_of(interpreter.heap(), message));
}

Value global_strftime_now(Interpreter& interpreter, const Value&, Args& args) {
  auto [format] = bind<1>(args, "strftime_now", {"format"}, 1);
  return interpreter.string(format_time(interpreter.now(), text_argument(format, "strftime_now")));
}

Value global_cycler(Interpreter& interpreter, const Value&, Args& args) {
  if (!args.named.empty()) fail("cycler() takes no keyword arguments");
  if (args.positional.empty()) fail("at least one item has to be provided");
  return interpreter.heap().make<Cycler>(std::move(args.positional));
}

Value global_joiner(Interpreter& interpreter, const Value&, Args& args) {
  auto [separator] = bind<1>(args, "joiner", {"sep"});
  return interpreter.heap().make<Joiner>(separator.is_missing() ? interpreter.string(", ") : separator);
}

constexpr std::pair<std::string_view, Builtin> kGlobals[] = {
    {"range", global_range},
    {"dict", global_dict},
    {"namespace", global_namespace},
    {"raise_exception", global_raise_exception},
    {"strftime_now", global_strftime_now},
    {"cycler", global_cycler},
    {"joiner", global_joiner},
};

}  // namespace

Value find_global(Heap& heap, std::string_view name) {
  for (const auto& [known, body] : kGlobals) {
    if (known == name) return heap.make<Function>(known, body, Value());
  }
  return Value::missing();
}

}  // namespace shenbi::chat::jinja
