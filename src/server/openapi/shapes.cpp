#include "server/openapi/shapes.h"

namespace shenbi::server::openapi {
namespace {

Schema of_type(std::string_view type) { return {{"type", type}}; }

}  // namespace

Schema text() { return of_type("string"); }
Schema integer() { return of_type("integer"); }
Schema number() { return of_type("number"); }
Schema boolean() { return of_type("boolean"); }
Schema null() { return of_type("null"); }
Schema anything() { return Schema::object(); }

Schema count() { return {{"type", "integer"}, {"minimum", 0}}; }

Schema word(std::initializer_list<std::string_view> words) {
  Schema values = Schema::array();
  for (const std::string_view one : words) values.push_back(one);
  return {{"type", "string"}, {"enum", std::move(values)}};
}

Schema list(Schema item) { return {{"type", "array"}, {"items", std::move(item)}}; }

Schema map(Schema value) { return {{"type", "object"}, {"additionalProperties", std::move(value)}}; }

Schema object(Fields always, Fields sometimes) {
  Schema required = Schema::array(), properties = Schema::object();
  for (auto& [name, schema] : always) {
    required.push_back(name);
    properties[name] = std::move(schema);
  }
  for (auto& [name, schema] : sometimes) properties[name] = std::move(schema);
  return {{"type", "object"},
          {"required", std::move(required)},
          {"properties", std::move(properties)},
          {"additionalProperties", false}};
}

Schema either(std::vector<Schema> schemas) {
  Schema all = Schema::array();
  for (Schema& one : schemas) all.push_back(std::move(one));
  Schema schema = Schema::object();
  schema["anyOf"] = std::move(all);
  return schema;
}

Schema or_null(Schema schema) {
  std::vector<Schema> both;
  both.push_back(std::move(schema));
  both.push_back(null());
  return either(std::move(both));
}

Schema named(std::string_view type) { return {{"$ref", "#/components/schemas/" + std::string(type)}}; }

}  // namespace shenbi::server::openapi
