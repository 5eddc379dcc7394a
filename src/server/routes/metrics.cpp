// GET /metrics: the server's figures for Prometheus (docs/observability.md).

#include "server/metrics.h"

#include <fmt/format.h>

#include "base/version.h"
#include "kernels/isa.h"
#include "server/answer_cache.h"
#include "server/process_metrics.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

std::string labels_of(const engine::LoadedModel& model) {
  return fmt::format("model_name=\"{}\"", escaped_label(model.name()));
}

// The passes of each engine by their tokens, as a histogram.
void print_steps(std::string& out, const std::vector<engine::LoadedModelPtr>& models) {
  const std::string_view name = "shenbi:iteration_tokens_total";
  metric_head(out, name, "histogram", "Tokens of one pass of the model, those of prompts included.");
  for (const auto& model : models) {
    const engine::EngineStats stats = model->stats();
    const std::string labels = labels_of(*model);
    uint64_t below = 0;
    for (size_t i = 0; i < stats.step_sizes.size(); ++i) {
      below += stats.step_sizes[i];
      const std::string bound = i < engine::kStepSizes.size() ? fmt::to_string(engine::kStepSizes[i]) : "+Inf";
      out += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", name, labels, bound, below);
    }
    out += fmt::format("{}_sum{{{}}} {}\n{}_count{{{}}} {}\n", name, labels, stats.step_tokens, name, labels, below);
  }
}

// What engines know of themselves; those of models that left memory are gone.
std::string engine_metrics(const State& state) {
  const auto models = state.service->all_loaded();
  std::string out;
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help, const auto& value) {
    metric_head(out, name, type, help);
    for (const auto& model : models) {
      out += fmt::format("{}{{{}}} {}\n", name, labels_of(*model), value(model->stats(), *model));
    }
  };
  using Stats = engine::EngineStats;
  using Model = engine::LoadedModel;
  each("shenbi:num_requests_running", "gauge", "Requests being computed.",
       [](const Stats& s, const Model&) { return s.running; });
  each("shenbi:num_requests_waiting", "gauge", "Requests that wait.",
       [](const Stats& s, const Model&) { return s.waiting; });
  each("shenbi:kv_cache_usage_perc", "gauge", "Share of the KV cache in use, 0 to 1.",
       [](const Stats& s, const Model&) {
         return s.total_pages ? static_cast<double>(s.used_pages) / s.total_pages : 0.0;
       });
  each("shenbi:num_preemptions_total", "counter", "Requests that gave way for lack of memory.",
       [](const Stats& s, const Model&) { return s.preemptions; });
  each("shenbi:spec_decode_num_draft_tokens_total", "counter", "Guessed tokens that were tried in a pass.",
       [](const Stats& s, const Model&) { return s.drafted_tokens; });
  each("shenbi:spec_decode_num_accepted_tokens_total", "counter", "Those of them that were right.",
       [](const Stats& s, const Model&) { return s.accepted_tokens; });
  each("shenbi:model_memory_bytes", "gauge", "Weights and KV cache of a model in memory.",
       [](const Stats&, const Model& model) { return model.bytes(); });
  print_steps(out, models);
  return out;
}

void add_figure(std::string& out, std::string_view name, std::string_view type, std::string_view help, uint64_t value) {
  metric_head(out, name, type, help);
  out += fmt::format("{} {}\n", name, value);
}

std::string trace_metrics(const State& state) {
  if (!state.tracer) return {};
  const trace::ExportCounts counts = state.tracer->counts();
  std::string out;
  add_figure(out, "shenbi:trace_spans_sent_total", "counter", "Spans that the collector took.", counts.sent);
  add_figure(out, "shenbi:trace_spans_dropped_total", "counter", "Spans lost: no room to wait, or not taken.",
             counts.dropped);
  add_figure(out, "shenbi:trace_failed_exports_total", "counter", "Exports that failed, repeated ones included.",
             counts.failed_requests);
  add_figure(out, "shenbi:trace_spans_waiting", "gauge", "Spans that wait to be sent.", counts.waiting);
  return out;
}

std::string cache_metrics(const State& state) {
  if (!state.answer_cache) return {};
  const AnswerCache::Counts counts = state.answer_cache->counts();
  std::string out;
  add_figure(out, "shenbi:answer_cache_hits_total", "counter", "Answers given from the cache.", counts.hits);
  add_figure(out, "shenbi:answer_cache_misses_total", "counter", "Requests that it had no answer for.", counts.misses);
  add_figure(out, "shenbi:answer_cache_answers", "gauge", "Answers in it.", counts.answers);
  add_figure(out, "shenbi:answer_cache_bytes", "gauge", "Bytes that they take.", counts.bytes);
  return out;
}

std::string ledger_metrics(const State& state) {
  const ledger::Ledger::Counts counts = state.ledger.counts();
  std::string out;
  add_figure(out, "shenbi:ledger_rows_total", "counter", "Calls that stand in the ledger.", counts.written);
  add_figure(out, "shenbi:ledger_rows_lost_total", "counter", "Calls that the ledger had no room for.", counts.lost);
  add_figure(out, "shenbi:ledger_rows_waiting", "gauge", "Calls that wait to be written.", counts.waiting);
  return out;
}

// Money in dollars, so that a panel needs no factor.
std::string budget_metrics(State& state) {
  const auto states = state.budgets.states();
  std::string out;
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help, const auto& value) {
    if (states.empty()) return;
    metric_head(out, name, type, help);
    for (const ledger::BudgetState& one : states) {
      const double unit = one.budget.unit == ledger::Unit::kUsd ? 1e-9 : 1;
      out += fmt::format("{}{{budget=\"{}\",unit=\"{}\"}} {}\n", name, escaped_label(one.budget.name),
                         ledger::unit_name(one.budget.unit), value(one, unit));
    }
  };
  using One = ledger::BudgetState;
  each("shenbi:budget_limit", "gauge", "Limit of a budget, in dollars or tokens.",
       [](const One& one, double unit) { return static_cast<double>(one.budget.limit) * unit; });
  each("shenbi:budget_spent", "gauge", "What is spent of it in its time.",
       [](const One& one, double unit) { return static_cast<double>(one.spent) * unit; });
  each("shenbi:budget_reserved", "gauge", "What calls under way have reserved of it.",
       [](const One& one, double unit) { return static_cast<double>(one.reserved) * unit; });
  each("shenbi:budget_refused_total", "counter", "Calls that it did not reach for.",
       [](const One& one, double) { return one.refused; });
  const ledger::Alerts::Counts alerts = state.alerts.counts();
  add_figure(out, "shenbi:budget_alerts_total", "counter", "Marks of budgets that were reached.", alerts.raised);
  add_figure(out, "shenbi:alerts_sent_total", "counter", "Alerts that the webhook took.", alerts.sent);
  add_figure(out, "shenbi:alert_failed_sends_total", "counter", "Tries that it did not take.", alerts.failed_sends);
  add_figure(out, "shenbi:alerts_waiting", "gauge", "Alerts that wait for the webhook.", alerts.waiting);
  return out;
}

std::string build_info() {
  std::string out;
  metric_head(out, "shenbi:build_info", "gauge", "Always 1; the labels say what runs.");
  return out + fmt::format("shenbi:build_info{{version=\"{}\",isa=\"{}\",sqlite=\"{}\"}} 1\n", kVersion,
                           kernels::isa_name(kernels::chosen_isa()), store::sqlite_version());
}

void print(RouteCall& call) {
  State& state = call.state;
  std::string text = state.metrics.print() + engine_metrics(state) + trace_metrics(state) + ledger_metrics(state) +
                     cache_metrics(state) + budget_metrics(state) + build_info() + process_metrics();
  call.exchange->send({.status = 200,
                       .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
                       .body = std::move(text)});
}

}  // namespace

RouteList metrics() { return {Route::with_key(Face::kOpenAi, "GET", "/metrics", Scope::kManage, print)}; }

}  // namespace shenbi::server::routes
