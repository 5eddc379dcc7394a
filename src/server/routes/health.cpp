// Whether the server lives, whether it can answer, and its figures for Prometheus.

#include <fmt/format.h>

#include "base/version.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

void alive(RouteCall& call) { send_json(call, 200, {{"status", "ok"}}); }

// Ready once every model named at the start is in memory.
void ready(RouteCall& call) {
  for (const std::string& model : call.state.options.models) {
    if (!call.state.service->loaded(model)) return send_json(call, 503, {{"status", "loading"}, {"model", model}});
  }
  send_json(call, 200, {{"status", "ready"}});
}

void version(RouteCall& call) { send_json(call, 200, {{"version", kVersion}}); }

void metrics(RouteCall& call) {
  std::string text = call.state.metrics.print();
  const auto gauge = [&](std::string_view name, std::string_view help, const auto& value) {
    text += fmt::format("# HELP {} {}\n# TYPE {} gauge\n", name, help, name);
    for (const auto& model : call.state.service->all_loaded()) {
      text += fmt::format("{}{{model_name=\"{}\"}} {}\n", name, model->name(), value(model->stats()));
    }
  };
  using engine::EngineStats;
  gauge("shenbi:num_requests_running", "Requests being computed.", [](const EngineStats& s) { return s.running; });
  gauge("shenbi:num_requests_waiting", "Requests that wait.", [](const EngineStats& s) { return s.waiting; });
  gauge("shenbi:kv_cache_usage_perc", "Share of the KV cache in use, 0 to 1.",
        [](const EngineStats& s) { return s.total_pages ? static_cast<double>(s.used_pages) / s.total_pages : 0.0; });
  gauge("shenbi:num_preemptions", "Requests that gave way for lack of memory.",
        [](const EngineStats& s) { return s.preemptions; });
  call.exchange->send(
      {.status = 200, .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, .body = text});
}

}  // namespace

RouteList health() {
  return {Route::open(Face::kOpenAi, "GET", "/health", alive), Route::open(Face::kOpenAi, "GET", "/ready", ready),
          Route::open(Face::kOpenAi, "GET", "/version", version),
          Route::with_key(Face::kOpenAi, "GET", "/metrics", Scope::kManage, metrics)};
}

}  // namespace shenbi::server::routes
