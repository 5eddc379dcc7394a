#include "server/anthropic_models.h"

#include <fmt/chrono.h>

#include "base/reason.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server {
namespace {

using chat::OrderedJson;

OrderedJson anthropic_model(const gateway::ModelInfo& model) {
  return {{"type", "model"},
          {"id", model.id},
          {"display_name", model.id},
          {"created_at", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(model.created)))},
          {"lifecycle", "active"},
          {"max_input_tokens", model.context},
          {"max_tokens", model.context}};
}

}  // namespace

bool is_anthropic_client(const RouteCall& call) { return !call.request.header("anthropic-version").empty(); }

void list_anthropic_models(RouteCall& call) {
  OrderedJson data = OrderedJson::array();
  for (const auto& model : visible_models(call)) data.push_back(anthropic_model(model));
  const auto id = [](const OrderedJson& model) { return model.at("id"); };
  const OrderedJson first = data.empty() ? OrderedJson() : id(data.front()),
                    last = data.empty() ? OrderedJson() : id(data.back());
  send_json(call, 200, {{"data", data}, {"first_id", first}, {"last_id", last}, {"has_more", false}});
}

void show_anthropic_model(RouteCall& call, const std::string& name) {
  for (const auto& model : visible_models(call)) {
    if (model.id == name) return send_json(call, 200, anthropic_model(model));
  }
  throw ReasonedError(Code::kNotFound, Reason::kModelNotFound, "model '" + name + "' is not here");
}

}  // namespace shenbi::server
