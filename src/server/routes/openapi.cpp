// GET /openapi.json: the routes as they are registered, with the schemas of what they take and answer.

#include <algorithm>

#include "base/version.h"
#include "server/openapi/answers.h"
#include "server/openapi/dialect_requests.h"
#include "server/openapi/requests.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::OrderedJson;

constexpr std::string_view kFaceNames[] = {"OpenAI", "Anthropic", "Ollama", "Gemini", "Page"};

OrderedJson parameters_of(const std::string& pattern) {
  OrderedJson list = OrderedJson::array();
  for (size_t at = pattern.find('{'); at != std::string::npos; at = pattern.find('{', at + 1)) {
    std::string name = pattern.substr(at + 1, pattern.find('}', at) - at - 1);
    if (name.ends_with("...")) name.resize(name.size() - 3);
    list.push_back({{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  return list;
}

// The schema of `key` in a table; null if there is none.
OrderedJson find_schema(const std::vector<std::pair<std::string_view, std::string_view>>& table, std::string_view key) {
  for (const auto& [name, schema] : table) {
    if (name == key) return OrderedJson::parse(schema);
  }
  return nullptr;
}

OrderedJson operation_of(const Route& route) {
  const std::string key = route.method() + " " + route.pattern();
  OrderedJson operation = {{"tags", {kFaceNames[static_cast<size_t>(route.face())]}},
                           {"operationId", route.method() + " " + route.pattern()},
                           {"responses", server::openapi::responses_of(route)}};
  OrderedJson parameters = parameters_of(route.pattern());
  if (const OrderedJson query = find_schema(server::openapi::query_schemas(), key); query.is_object()) {
    for (const auto& [name, schema] : query.items()) {
      parameters.push_back({{"name", name}, {"in", "query"}, {"schema", schema}});
    }
  }
  if (!parameters.empty()) operation["parameters"] = parameters;
  operation["security"] =
      route.scope() ? OrderedJson::array({{{"key", {scope_name(*route.scope())}}}}) : OrderedJson::array();
  const auto body = [&](const char* type, const OrderedJson& schema) {
    if (!schema.is_object()) return;
    // No body at all is an empty object: refused only where a field is needed.
    operation["requestBody"]["required"] = schema.contains("required");
    operation["requestBody"]["content"][type]["schema"] = schema;
  };
  body("application/json", find_schema(server::openapi::request_schemas(), key));
  body("application/json", find_schema(server::openapi::dialect_request_schemas(), key));
  body("multipart/form-data", find_schema(server::openapi::form_schemas(), key));
  return operation;
}

void document(RouteCall& call) {
  OrderedJson paths = OrderedJson::object();
  const Router router;
  for (const Route& route : router.routes()) {
    std::string path = route.pattern();
    if (const size_t rest = path.find("...}"); rest != std::string::npos) path.erase(rest, 3);
    std::string method = route.method();
    std::transform(method.begin(), method.end(), method.begin(), [](unsigned char c) { return std::tolower(c); });
    paths[path][method] = operation_of(route);
  }
  const OrderedJson key = {
      {"type", "http"}, {"scheme", "bearer"}, {"description", "Only needed once the server has keys."}};
  send_json(call, 200,
            {{"openapi", "3.1.0"},
             {"info", {{"title", "Shenbi"}, {"version", kVersion}}},
             {"paths", paths},
             {"components", {{"schemas", server::openapi::named_types()}, {"securitySchemes", {{"key", key}}}}}});
}

}  // namespace

RouteList openapi() { return {Route::open(Face::kOpenAi, "GET", "/openapi.json", document)}; }

}  // namespace shenbi::server::routes
