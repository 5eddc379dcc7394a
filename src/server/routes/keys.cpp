// Keys, for whoever may manage the server: make, list, revoke. A key itself is shown once, when it is made.

#include "server/keys.h"
#include "base/limits.h"

#include "chat/fields.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Fields;
using chat::OrderedJson;

OrderedJson key_json(const Key& key) {
  OrderedJson scopes = OrderedJson::array(), models = OrderedJson::array();
  for (const Scope scope : key.scopes) scopes.push_back(scope_name(scope));
  for (const std::string& model : key.models) models.push_back(model);
  return {{"id", key.id},
          {"name", key.name},
          {"scopes", scopes},
          {"models", models},
          {"requests_per_minute", key.requests_per_minute},
          {"tokens_per_day", key.tokens_per_day},
          {"created", key.created},
          {"expires", key.expires},
          {"revoked", key.revoked},
          {"team", key.team}};
}

void list_keys(RouteCall& call) {
  OrderedJson all = OrderedJson::array();
  for (const Key& key : call.state.keys.list()) all.push_back(key_json(key));
  send_json(call, 200, {{"keys", all}});
}

void create_key(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  Key key{.name = bounded_title(body.needed_text("name"))};
  for (const std::string& scope : body.texts("scopes", limits::kMaxKeyWords)) key.scopes.insert(scope_of(scope));
  for (const std::string& model : body.texts("models", limits::kMaxKeyWords)) key.models.insert(model);
  key.requests_per_minute = static_cast<uint64_t>(body.integer("requests_per_minute", 0, 1'000'000'000).value_or(0));
  key.tokens_per_day = static_cast<uint64_t>(body.integer("tokens_per_day", 0, INT64_MAX / 2).value_or(0));
  key.expires = body.number("expires", 0, 1e12).value_or(0);
  key.team = bounded_title(body.text("team").value_or(""));
  body.end();
  const Keys::NewKey made = call.state.keys.create(std::move(key));
  OrderedJson json = key_json(made.key);
  json["key"] = made.text;
  send_json(call, 201, json);
}

void change_key(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const std::string team = bounded_title(body.needed_text("team"));
  body.end();
  if (!call.state.keys.set_team(call.path["id"], team))
    throw Error(Code::kNotFound, "no key '" + call.path["id"] + "'");
  call.state.budgets.recount();
  for (const Key& key : call.state.keys.list()) {
    if (key.id == call.path["id"]) send_json(call, 200, key_json(key));
  }
}

void revoke(RouteCall& call) {
  if (!call.state.keys.revoke(call.path["id"])) throw Error(Code::kNotFound, "no key '" + call.path["id"] + "'");
  call.exchange->send({.status = 204, .headers = {}, .body = {}});
}

}  // namespace

RouteList keys() {
  return {Route::with_key(Face::kPage, "GET", "/page/keys", Scope::kManage, list_keys),
          Route::with_key(Face::kPage, "POST", "/page/keys", Scope::kManage, create_key),
          Route::with_key(Face::kPage, "PATCH", "/page/keys/{id}", Scope::kManage, change_key),
          Route::with_key(Face::kPage, "DELETE", "/page/keys/{id}", Scope::kManage, revoke)};
}

}  // namespace shenbi::server::routes
