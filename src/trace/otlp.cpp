#include "trace/otlp.h"

#include <nlohmann/json.hpp>

#include "base/version.h"

namespace shenbi::trace {
namespace {

using Json = nlohmann::ordered_json;

struct ValueJson {
  Json operator()(const std::string& text) const { return {{"stringValue", text}}; }
  Json operator()(int64_t number) const { return {{"intValue", std::to_string(number)}}; }
  Json operator()(double number) const { return {{"doubleValue", number}}; }
  Json operator()(bool flag) const { return {{"boolValue", flag}}; }
  Json operator()(const std::vector<std::string>& list) const {
    Json values = Json::array();
    for (const std::string& text : list) values.push_back({{"stringValue", text}});
    return {{"arrayValue", {{"values", values}}}};
  }
};

Json attribute(const std::string& key, const Value& value) {
  return {{"key", key}, {"value", std::visit(ValueJson{}, value)}};
}

Json span_json(const FinishedSpan& span) {
  Json attributes = Json::array();
  for (const auto& [key, value] : span.attributes) attributes.push_back(attribute(key, value));
  Json json = {{"traceId", hex(span.context.trace)},
               {"spanId", hex(span.context.span)},
               {"name", span.name},
               {"kind", static_cast<int>(span.kind)},
               {"startTimeUnixNano", std::to_string(span.start_ns)},
               {"endTimeUnixNano", std::to_string(span.end_ns)},
               {"attributes", attributes},
               {"flags", span.context.recorded ? 1 : 0}};
  if (span.parent != SpanId{}) json["parentSpanId"] = hex(span.parent);
  if (!span.context.state.empty()) json["traceState"] = span.context.state;
  if (span.failed) json["status"] = {{"code", 2}};  // STATUS_CODE_ERROR
  return json;
}

}  // namespace

std::string otlp_json(const std::vector<FinishedSpan>& spans,
                      const std::vector<std::pair<std::string, std::string>>& service) {
  Json resource = Json::array(), list = Json::array();
  for (const auto& [key, value] : service) resource.push_back(attribute(key, value));
  for (const FinishedSpan& span : spans) list.push_back(span_json(span));
  const Json scope = {{"name", "shenbi"}, {"version", kVersion}};
  const Json scopes = Json::array({{{"scope", scope}, {"spans", list}}});
  const Json body = {
      {"resourceSpans", Json::array({{{"resource", {{"attributes", resource}}}, {"scopeSpans", scopes}}})}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace shenbi::trace
