// Names for models that the operator gives, and what a name would lead to (docs/gateway.md).

#include "base/limits.h"
#include "chat/fields.h"
#include "gateway/router.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Fields;
using chat::OrderedJson;

OrderedJson route_json(const gateway::NamedRoute& route) {
  return {{"name", route.name}, {"targets", route.targets}, {"order", route.order}, {"hedge_ms", route.hedge_ms}};
}

void list_routes(RouteCall& call) {
  OrderedJson all = OrderedJson::array();
  for (const gateway::NamedRoute& route : call.state.routes.list()) all.push_back(route_json(route));
  send_json(call, 200, {{"routes", all}});
}

void put_route(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  gateway::NamedRoute route{.name = call.path["name"], .targets = body.texts("targets", limits::kMaxKeyWords)};
  route.order = body.text("order").value_or("listed");
  route.hedge_ms = body.integer("hedge_ms", 0, 600'000).value_or(0);
  body.end();
  const bool known = call.state.routes.find(route.name).has_value();
  call.state.routes.put(route);
  send_json(call, known ? 200 : 201, route_json(route));
}

void remove_route(RouteCall& call) {
  if (!call.state.routes.remove(call.path["name"]))
    throw Error(Code::kNotFound, "no route '" + call.path["name"] + "'");
  call.exchange->send({.status = 204, .headers = {}, .body = {}});
}

// Whom a request for this name would be put to, in order.
void resolve(RouteCall& call) {
  const std::string name = call.request.parameter("model").value_or("");
  if (name.empty()) throw Error(Code::kInvalidArgument, "model: this parameter is needed");
  call.state.keys.check_model(call.caller, name);
  const auto router = std::dynamic_pointer_cast<gateway::Router>(call.state.provider);
  if (!router) throw Error(Code::kUnsupported, "this server has no router");
  OrderedJson all = OrderedJson::array();
  for (const auto& target : router->targets(name))
    all.push_back({{"upstream", target.upstream}, {"model", target.model}, {"why", target.why}});
  send_json(call, 200, {{"model", name}, {"targets", all}});
}

}  // namespace

RouteList page_routes() {
  return {Route::with_key(Face::kPage, "GET", "/page/routes", Scope::kRead, list_routes),
          Route::with_key(Face::kPage, "PUT", "/page/routes/{name}", Scope::kManage, put_route),
          Route::with_key(Face::kPage, "DELETE", "/page/routes/{name}", Scope::kManage, remove_route),
          Route::with_key(Face::kPage, "GET", "/page/resolve", Scope::kRead, resolve)};
}

}  // namespace shenbi::server::routes
