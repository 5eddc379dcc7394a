// Upstreams, for whoever may manage the server: which houses there are, which accounts are configured. Keys go in and
// never come out.

#include "base/limits.h"
#include "chat/fields.h"
#include "gateway/house.h"
#include "guard/personal_data.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Fields;
using chat::OrderedJson;

OrderedJson upstream_json(const gateway::Upstream& upstream) {
  OrderedJson keys = OrderedJson::array(), settings = OrderedJson::object();
  for (const std::string& key : upstream.keys) keys.push_back(gateway::masked(key));
  for (const auto& [name, value] : upstream.settings) settings[name] = value;
  return {{"name", upstream.name},
          {"house", upstream.house},
          {"base_url", upstream.base_url},
          {"keys", keys},
          {"settings", settings},
          {"models", upstream.models},
          {"priority", upstream.priority},
          {"weight", upstream.weight},
          {"enabled", upstream.enabled},
          {"first_timeout_s", upstream.first_timeout_s},
          {"whole_timeout_s", upstream.whole_timeout_s},
          {"idle_timeout_s", upstream.idle_timeout_s},
          {"personal_data", upstream.personal_data},
          {"private_words", upstream.private_words},
          {"private_patterns", upstream.private_patterns},
          {"private_network", upstream.private_network}};
}

OrderedJson fields_json(const gateway::House& house) {
  OrderedJson fields = OrderedJson::array();
  for (const gateway::AccountField& field : house.fields) {
    const bool part = field.kind == gateway::AccountField::Kind::kKeyPart;
    fields.push_back({{"name", field.name},
                      {"title", field.title},
                      {"title_zh", field.title_zh},
                      {"kind", part ? "key" : "setting"},
                      {"required", field.required}});
  }
  return fields;
}

void houses(RouteCall& call) {
  OrderedJson all = OrderedJson::array();
  for (const auto& [stem, make] : gateway::house_registry()) {
    const gateway::House house = make();
    all.push_back({{"name", stem},
                   {"title", house.title},
                   {"title_zh", house.title_zh},
                   {"base_url", house.base_url},
                   {"key_variable", house.key_variable},
                   {"key_page", house.key_page},
                   {"fields", fields_json(house)}});
  }
  send_json(call, 200, {{"houses", all}});
}

void list_upstreams(RouteCall& call) {
  OrderedJson all = OrderedJson::array();
  for (const gateway::Upstream& upstream : call.state.upstreams.list()) all.push_back(upstream_json(upstream));
  send_json(call, 200, {{"upstreams", all}});
}

// Where the keys of an upstream go.
std::string destination(const gateway::Upstream& upstream) {
  return upstream.base_url.empty() ? gateway::find_house(upstream.house).base_url : upstream.base_url;
}

// Keys that are left out of a change stay, since a page that shows masked keys cannot send them back; but not with
// another address, which would send them to somebody else. For the same reason a caller may name no variable of our
// environment but the one that belongs to the house, at the house's own address.
void set_keys(std::optional<std::vector<std::string>> given, const std::optional<gateway::Upstream>& old,
              gateway::Upstream& upstream) {
  const auto refuse = [](const char* why) { throw Error(Code::kInvalidArgument, std::string("keys: ") + why); };
  if (!given) {
    const bool moved = old && destination(*old) != destination(upstream);
    if (moved && !old->keys.empty()) refuse("the address has changed: its keys must be given anew");
    if (old) upstream.keys = old->keys;
    return;
  }
  const gateway::House house = gateway::find_house(upstream.house);
  for (const std::string& key : *given) {
    const bool own = key == "env:" + house.key_variable && upstream.base_url.empty();
    if (key.starts_with("env:") && !own)
      refuse("over HTTP a variable may be named only if it is the house's own, at the house's own address");
  }
  upstream.keys = std::move(*given);
}

std::map<std::string, std::string> settings_of(Fields& body) {
  std::map<std::string, std::string> settings;
  if (const OrderedJson* given = body.object("settings")) {
    for (const auto& [name, value] : given->items()) {
      if (!value.is_string()) throw Error(Code::kInvalidArgument, "settings." + name + ": expected a string");
      settings[name] = value;
    }
  }
  return settings;
}

void put_upstream(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  gateway::Upstream upstream{.name = call.path["name"]};
  const auto old = call.state.upstreams.find(upstream.name);
  upstream.house = body.text("house").value_or(old ? old->house : upstream.name);
  upstream.base_url = body.text("base_url").value_or("");
  std::optional<std::vector<std::string>> keys;
  if (body.has("keys")) keys = body.texts("keys", limits::kMaxKeyWords);
  upstream.settings = settings_of(body);
  upstream.models = body.texts("models", limits::kMaxKeyWords);
  upstream.priority = body.integer("priority", -1'000'000, 1'000'000).value_or(0);
  upstream.weight = body.number("weight", 0, 1e6).value_or(1);
  upstream.enabled = body.boolean("enabled").value_or(true);
  // What a form does not show it does not take away.
  const auto timeout = [&](const char* field, int64_t before) {
    return body.integer(field, 0, 86'400).value_or(before);
  };
  upstream.first_timeout_s = timeout("first_timeout_s", old ? old->first_timeout_s : 0);
  upstream.whole_timeout_s = timeout("whole_timeout_s", old ? old->whole_timeout_s : 0);
  upstream.idle_timeout_s = timeout("idle_timeout_s", old ? old->idle_timeout_s : 0);
  upstream.personal_data = body.text("personal_data").value_or(old ? old->personal_data : "");
  const auto own = [&](const char* field, size_t most, std::vector<std::string> before) {
    return body.has(field) ? body.texts(field, most) : before;
  };
  upstream.private_words =
      own("private_words", guard::kMaxPrivateWords, old ? old->private_words : std::vector<std::string>{});
  upstream.private_patterns =
      own("private_patterns", guard::kMaxPrivatePatterns, old ? old->private_patterns : std::vector<std::string>{});
  body.end();
  set_keys(std::move(keys), old, upstream);
  // What was set up at the machine stays reachable as long as it is the same address.
  upstream.private_network = old && old->private_network && destination(*old) == destination(upstream);
  call.state.upstreams.put(upstream);
  send_json(call, old ? 200 : 201, upstream_json(upstream));
}

void remove_upstream(RouteCall& call) {
  if (!call.state.upstreams.remove(call.path["name"]))
    throw Error(Code::kNotFound, "no upstream '" + call.path["name"] + "'");
  call.exchange->send({.status = 204, .headers = {}, .body = {}});
}

}  // namespace

RouteList upstreams() {
  return {Route::with_key(Face::kPage, "GET", "/page/houses", Scope::kManage, houses),
          Route::with_key(Face::kPage, "GET", "/page/upstreams", Scope::kManage, list_upstreams),
          Route::with_key(Face::kPage, "PUT", "/page/upstreams/{name}", Scope::kManage, put_upstream),
          Route::with_key(Face::kPage, "DELETE", "/page/upstreams/{name}", Scope::kManage, remove_upstream)};
}

}  // namespace shenbi::server::routes
