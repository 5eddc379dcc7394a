// Whether the server lives, and whether it can answer.

#include <chrono>

#include "base/version.h"
#include "kernels/isa.h"
#include "server/access.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::OrderedJson;

// What runs here, for people. Needs a key where there are keys: it names models.
OrderedJson details(State& state) {
  OrderedJson models = OrderedJson::array();
  for (const auto& model : state.service->all_loaded()) {
    const engine::EngineStats stats = model->stats();
    models.push_back({{"name", model->name()},
                      {"bytes", model->bytes()},
                      {"context", model->context()},
                      {"running", stats.running},
                      {"waiting", stats.waiting}});
  }
  const auto up = std::chrono::steady_clock::now() - state.started;
  return {{"status", "ok"},
          {"version", kVersion},
          {"sqlite", store::sqlite_version()},
          {"isa", kernels::isa_name(kernels::chosen_isa())},
          {"threads", state.service->threads()},
          {"memory_budget_bytes", state.service->memory_budget()},
          {"uptime_s", std::chrono::duration<double>(up).count()},
          {"traces", state.tracer != nullptr},
          {"models", models}};
}

void alive(RouteCall& call) {
  const auto verbose = call.request.parameter("verbose");
  if (!verbose || *verbose == "0" || *verbose == "false") return send_json(call, 200, {{"status", "ok"}});
  if (call.state.keys.required()) {
    const auto decision = call.state.keys.check(key_of(call.request), Scope::kManage);
    if (decision.forbidden) return call.exchange->send(error_response(Face::kOpenAi, 403, decision.message));
    if (!decision.caller) throw Error(decision.code, decision.message);
  }
  send_json(call, 200, details(call.state));
}

// Ready once every model named at the start is in memory.
void ready(RouteCall& call) {
  if (call.state.stopping) return send_json(call, 503, {{"status", "stopping"}});
  for (const std::string& model : call.state.options.models) {
    if (call.state.service->loaded(model)) continue;
    const std::string why = call.state.failed_load(model);
    if (why.empty()) return send_json(call, 503, {{"status", "loading"}, {"model", model}});
    return send_json(call, 503, {{"status", "failed"}, {"model", model}, {"error", why}});
  }
  send_json(call, 200, {{"status", "ready"}});
}

void version(RouteCall& call) { send_json(call, 200, {{"version", kVersion}}); }

}  // namespace

RouteList health() {
  return {Route::open(Face::kOpenAi, "GET", "/health", alive), Route::open(Face::kOpenAi, "GET", "/ready", ready),
          Route::open(Face::kOpenAi, "GET", "/version", version)};
}

}  // namespace shenbi::server::routes
