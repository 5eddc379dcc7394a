#include "server/metrics.h"

#include <fmt/format.h>

#include <algorithm>

namespace shenbi::server {

std::string escaped_label(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

void metric_head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void Histogram::observe(double value) {
  const auto place = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  std::lock_guard lock(mutex_);
  ++counts_[static_cast<size_t>(place)];
  sum_ += value;
  ++total_;
}

void Histogram::print(std::string& out, std::string_view name, std::string_view labels) const {
  std::lock_guard lock(mutex_);
  uint64_t below = 0;
  for (size_t i = 0; i < bounds_.size(); ++i) {
    below += counts_[i];
    out += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", name, labels, bounds_[i], below);
  }
  out += fmt::format("{}_bucket{{{},le=\"+Inf\"}} {}\n{}_sum{{{}}} {}\n{}_count{{{}}} {}\n", name, labels, total_, name,
                     labels, sum_, name, labels, total_);
}

Metrics::PerModel& Metrics::of(const std::string& model) {
  std::lock_guard lock(mutex_);
  auto& entry = models_[model];
  if (!entry) entry = std::make_unique<PerModel>();
  return *entry;
}

void Metrics::request(std::string_view route, int status) {
  std::lock_guard lock(mutex_);
  ++requests_[{std::string(route), status}];
}

Histogram& Metrics::between_tokens(const std::string& model) { return of(model).between; }

void Metrics::model_load(const std::string& model, double seconds, bool failed) {
  PerModel& entry = of(model);
  if (!failed) return entry.loads.observe(seconds);
  std::lock_guard lock(mutex_);
  ++entry.failed_loads;
}

void Metrics::answer(const AnswerFigures& figures) {
  PerModel& entry = of(figures.model);
  if (figures.completion_tokens > 0) entry.first_token.observe(figures.first_token_s);
  entry.total.observe(figures.total_s);
  entry.prompt_sizes.observe(static_cast<double>(figures.prompt_tokens));
  entry.answer_sizes.observe(static_cast<double>(figures.completion_tokens));
  if (figures.queue_s) {
    entry.queue.observe(*figures.queue_s);
    entry.prefill.observe(*figures.prefill_s);
    entry.decode.observe(*figures.decode_s);
    entry.inference.observe(*figures.prefill_s + *figures.decode_s);
    if (figures.completion_tokens > 1)
      entry.per_token.observe(*figures.decode_s / static_cast<double>(figures.completion_tokens - 1));
  }
  std::lock_guard lock(mutex_);
  entry.prompt += figures.prompt_tokens;
  entry.cached += figures.cached_tokens;
  entry.generated += figures.completion_tokens;
  ++entry.finished[figures.finish];
}

void Metrics::batch_line(bool good) {
  std::lock_guard lock(mutex_);
  ++batch_lines_[good];
}

void Metrics::masked(const std::string& upstream, std::string_view kind, uint64_t count) {
  std::lock_guard lock(mutex_);
  masked_[{upstream, std::string(kind)}] += count;
}

std::string Metrics::print() const {
  std::lock_guard lock(mutex_);
  std::string out;
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help, const auto& line) {
    metric_head(out, name, type, help);
    for (const auto& [model, entry] : models_) line(fmt::format("model_name=\"{}\"", escaped_label(model)), *entry);
  };
  const auto counter = [&](std::string_view name, std::string_view help, uint64_t PerModel::* field) {
    each(name, "counter", help, [&](const std::string& labels, const PerModel& entry) {
      out += fmt::format("{}{{{}}} {}\n", name, labels, entry.*field);
    });
  };
  const auto histogram = [&](std::string_view name, std::string_view help, Histogram PerModel::* field) {
    each(name, "histogram", help,
         [&](const std::string& labels, const PerModel& entry) { (entry.*field).print(out, name, labels); });
  };
  counter("shenbi:prompt_tokens_total", "Tokens of prompts, cached ones included.", &PerModel::prompt);
  counter("shenbi:generation_tokens_total", "Tokens generated.", &PerModel::generated);
  counter("shenbi:prefix_cache_hits_total", "Tokens of prompts that the prefix cache had.", &PerModel::cached);
  counter("shenbi:prefix_cache_queries_total", "Tokens of prompts looked up in the prefix cache.", &PerModel::prompt);
  histogram("shenbi:time_to_first_token_seconds", "From the request to the first token.", &PerModel::first_token);
  histogram("shenbi:inter_token_latency_seconds", "Between two tokens of an answer.", &PerModel::between);
  histogram("shenbi:e2e_request_latency_seconds", "From the request to the end of the answer.", &PerModel::total);
  histogram("shenbi:request_queue_time_seconds", "Waiting for a place among those that run.", &PerModel::queue);
  histogram("shenbi:request_prefill_time_seconds", "Reading the prompt, to the first token.", &PerModel::prefill);
  histogram("shenbi:request_decode_time_seconds", "From the first token to the last.", &PerModel::decode);
  histogram("shenbi:request_inference_time_seconds", "Reading and writing together.", &PerModel::inference);
  histogram("shenbi:request_time_per_output_token_seconds", "Mean of one answer, the first token left out.",
            &PerModel::per_token);
  histogram("shenbi:request_prompt_tokens", "Tokens of one prompt.", &PerModel::prompt_sizes);
  histogram("shenbi:request_generation_tokens", "Tokens of one answer.", &PerModel::answer_sizes);
  histogram("shenbi:model_load_seconds", "Reading a model from its files.", &PerModel::loads);
  counter("shenbi:model_load_failures_total", "Models that could not be loaded.", &PerModel::failed_loads);
  each("shenbi:request_success_total", "counter", "Answers by how they ended.",
       [&](const std::string& labels, const PerModel& entry) {
         for (const auto& [reason, count] : entry.finished) {
           out += fmt::format("shenbi:request_success_total{{{},finished_reason=\"{}\"}} {}\n", labels, reason, count);
         }
       });
  metric_head(out, "shenbi:http_requests_total", "counter", "Requests by route and status.");
  for (const auto& [key, count] : requests_) {
    out += fmt::format("shenbi:http_requests_total{{route=\"{}\",status=\"{}\"}} {}\n", escaped_label(key.first),
                       key.second, count);
  }
  metric_head(out, "shenbi:batch_lines_total", "counter", "Lines of batches that were answered.");
  for (const bool good : {true, false}) {
    out += fmt::format("shenbi:batch_lines_total{{result=\"{}\"}} {}\n", good ? "completed" : "failed",
                       batch_lines_[good]);
  }
  metric_head(out, "shenbi:masked_values_total", "counter", "Personal data that an upstream got a placeholder for.");
  for (const auto& [key, count] : masked_) {
    out += fmt::format("shenbi:masked_values_total{{upstream=\"{}\",kind=\"{}\"}} {}\n", escaped_label(key.first),
                       key.second, count);
  }
  return out;
}

}  // namespace shenbi::server
