#include "chat/jinja/import_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace shenbi::chat::jinja {
namespace {

using nlohmann::ordered_json;

Value import_text(Heap& heap, const std::string& text) {
  return Value::string(heap, is_valid_utf8(text) ? text : sanitize_utf8(text));
}

Value import(Heap& heap, const ordered_json& json);

Dict* import_object(Heap& heap, const ordered_json& json) {
  auto* dict = heap.make<Dict>();
  for (const auto& [key, value] : json.items()) dict->set(heap, import_text(heap, key), import(heap, value));
  return dict;
}

List* import_array(Heap& heap, const ordered_json& json) {
  auto* list = heap.make<List>();
  for (const auto& item : json) list->push(heap, import(heap, item));
  return list;
}

Value import(Heap& heap, const ordered_json& json) {
  const DepthGuard guard(heap);
  switch (json.type()) {
    case ordered_json::value_t::boolean:
      return Value::boolean(json.get<bool>());
    case ordered_json::value_t::number_integer:
      return Value::integer(json.get<int64_t>());
    case ordered_json::value_t::number_unsigned: {
      const auto number = json.get<uint64_t>();
      if (number > INT64_MAX) fail(fmt::format("variables: integer {} does not fit 64 bits with a sign", number));
      return Value::integer(static_cast<int64_t>(number));
    }
    case ordered_json::value_t::number_float:
      return Value::real(json.get<double>());
    case ordered_json::value_t::string:
      return import_text(heap, json.get_ref<const std::string&>());
    case ordered_json::value_t::array:
      return import_array(heap, json);
    case ordered_json::value_t::object:
      return import_object(heap, json);
    default:
      return {};
  }
}

}  // namespace

Dict* import_variables(Heap& heap, const ordered_json& variables) {
  if (!variables.is_object()) fail("variables must be a JSON object");
  return import_object(heap, variables);
}

}  // namespace shenbi::chat::jinja
