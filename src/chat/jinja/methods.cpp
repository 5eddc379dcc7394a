// Look-up of members, and the members of everything that is not a string or a container.

#include "chat/jinja/methods.h"

#include <unordered_map>

#include "chat/jinja/globals.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/loop.h"

namespace shenbi::chat::jinja {
namespace {

using Table = std::unordered_map<std::string_view, Builtin>;

Table make_table(const MethodEntry* entries, size_t count) {
  Table table;
  for (size_t i = 0; i < count; ++i) table.emplace(entries[i].name, entries[i].body);
  return table;
}

Value loop_cycle(Interpreter&, const Value& self, Args& args) {
  if (!args.named.empty()) fail("cycle() takes no keyword arguments");
  if (args.positional.empty()) fail("no items for cycling given");
  return args.positional[static_cast<size_t>(self.as<Loop>().index0) % args.positional.size()];
}

Value loop_changed(Interpreter& interpreter, const Value& self, Args& args) {
  if (!args.named.empty()) fail("changed() takes no keyword arguments");
  return Value::boolean(self.as<Loop>().changed(make_tuple(interpreter.heap(), std::move(args.positional))));
}

Value cycler_next(Interpreter&, const Value& self, Args& args) {
  bind_none(args, "next");
  auto& cycler = self.as<Cycler>();
  const size_t at = cycler.position;
  cycler.position = (at + 1) % cycler.items.size();
  return cycler.items[at];
}

Value cycler_reset(Interpreter&, const Value& self, Args& args) {
  bind_none(args, "reset");
  self.as<Cycler>().position = 0;
  return {};
}

Value loop_property(Interpreter& interpreter, Loop& loop, std::string_view name) {
  if (name == "index") return Value::integer(loop.index0 + 1);
  if (name == "index0") return Value::integer(loop.index0);
  if (name == "first") return Value::boolean(loop.index0 == 0);
  if (name == "last") return Value::boolean(loop.is_last());
  if (name == "length") return Value::integer(loop.length());
  if (name == "revindex") return Value::integer(loop.length() - loop.index0);
  if (name == "revindex0") return Value::integer(loop.length() - loop.index0 - 1);
  if (name == "depth") return Value::integer(loop.depth0 + 1);
  if (name == "depth0") return Value::integer(loop.depth0);
  if (name == "previtem") {
    if (loop.index0 == 0) return Value::undefined(interpreter.heap(), "there is no previous item");
    return loop.previous;
  }
  if (name == "nextitem") {
    const Value& next = loop.peek();
    return next.is_missing() ? Value::undefined(interpreter.heap(), "there is no next item") : next;
  }
  return Value::missing();
}

Value macro_property(Interpreter& interpreter, const Macro& macro, std::string_view name) {
  const MacroStatement& node = macro.statement;
  if (name == "name") return node.name ? interpreter.string(node.name->name) : Value();
  if (name == "catch_kwargs") return Value::boolean(node.takes_named);
  if (name == "catch_varargs") return Value::boolean(node.takes_rest);
  if (name == "caller") return Value::boolean(node.takes_caller);
  if (name != "arguments") return Value::missing();
  std::vector<Value> names;
  for (const auto& parameter : node.parameters) names.push_back(interpreter.string(parameter->name));
  return make_tuple(interpreter.heap(), std::move(names));
}

Value range_property(const Range& range, std::string_view name) {
  if (name == "start") return Value::integer(range.start);
  if (name == "stop") return Value::integer(range.stop);
  if (name == "step") return Value::integer(range.step);
  return Value::missing();
}

}  // namespace

Builtin find_method(Kind kind, std::string_view name) {
  static const Table strings = make_table(kStringMethods, kStringMethodCount);
  static const Table lists = make_table(kListMethods, kListMethodCount);
  static const Table tuples = make_table(kTupleMethods, kTupleMethodCount);
  static const Table dicts = make_table(kDictMethods, kDictMethodCount);
  static const Table loops = {{"cycle", loop_cycle}, {"changed", loop_changed}};
  static const Table cyclers = {{"next", cycler_next}, {"reset", cycler_reset}};
  const Table* table = nullptr;
  switch (kind) {
    case Kind::kString:
      table = &strings;
      break;
    case Kind::kList:
      table = &lists;
      break;
    case Kind::kTuple:
      table = &tuples;
      break;
    case Kind::kDict:
      table = &dicts;
      break;
    case Kind::kLoop:
      table = &loops;
      break;
    case Kind::kCycler:
      table = &cyclers;
      break;
    default:
      return nullptr;
  }
  const auto it = table->find(name);
  return it == table->end() ? nullptr : it->second;
}

Value find_member(Interpreter& interpreter, const Value& object, std::string_view name) {
  Heap& heap = interpreter.heap();
  if (const Builtin method = find_method(object.kind(), name)) return heap.make<Function>("method", method, object);
  switch (object.kind()) {
    case Kind::kNamespace: {
      const Value* found = object.as<Namespace>().attributes.find(heap, name);
      return found != nullptr ? *found : Value::missing();
    }
    case Kind::kLoop:
      return loop_property(interpreter, object.as<Loop>(), name);
    case Kind::kMacro:
      return macro_property(interpreter, object.as<Macro>(), name);
    case Kind::kRange:
      return range_property(object.as<Range>(), name);
    case Kind::kTuple:
      if (!object.list().is_group) return Value::missing();
      return name == "grouper" ? object.list().items[0] : name == "list" ? object.list().items[1] : Value::missing();
    case Kind::kCycler:
      if (name == "current") return object.as<Cycler>().items[object.as<Cycler>().position];
      if (name == "pos") return Value::integer(static_cast<int64_t>(object.as<Cycler>().position));
      return Value::missing();
    default:
      return Value::missing();
  }
}

}  // namespace shenbi::chat::jinja
