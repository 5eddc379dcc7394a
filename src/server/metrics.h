#pragma once
// What /metrics tells Prometheus, under the names that dashboards for vLLM already read, with "shenbi:" in front where
// vLLM has its own name in front.

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::server {

/// Counts of values up to each bound, as Prometheus wants them.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}
  void observe(double value);
  void print(std::string& out, std::string_view name, std::string_view labels) const;

 private:
  std::vector<double> bounds_;
  mutable std::mutex mutex_;
  std::vector<uint64_t> counts_;
  double sum_ = 0;
  uint64_t total_ = 0;
};

/// One answer's figures, told when it has ended.
struct AnswerFigures {
  std::string model, finish;
  uint64_t prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;
  double first_token_s = 0, total_s = 0;
  std::optional<double> queue_s, prefill_s, decode_s;  ///< of a model of ours: waiting, reading, writing
};

/// A label's value between its quotes.
std::string escaped_label(std::string_view text);
/// The two lines that stand in front of a metric.
void metric_head(std::string& out, std::string_view name, std::string_view type, std::string_view help);

class Metrics {
 public:
  void request(std::string_view route, int status);
  void answer(const AnswerFigures& figures);
  /// Seconds from one token to the next. For a model that has answered: each name makes rows in /metrics for good.
  Histogram& between_tokens(const std::string& model);
  void batch_line(bool good);
  /// Values that were kept from an upstream.
  void masked(const std::string& upstream, std::string_view kind, uint64_t count);
  void model_load(const std::string& model, double seconds, bool failed);
  std::string print() const;

 private:
  // vLLM begins at 0.3 s; small models on a CPU read a prompt in less.
  static Histogram phase() {
    return Histogram({0.001, 0.005, 0.01, 0.05, 0.1, 0.3, 0.5, 0.8, 1,   1.5, 2,   2.5,
                      5,     10,    15,   20,   30,  40,  50,  60,  120, 240, 480, 960});
  }
  static Histogram sizes() {
    return Histogram({1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000});
  }
  struct PerModel {
    Histogram first_token{
        {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80}};
    Histogram between{{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5}};
    Histogram total{{0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960}};
    Histogram queue = phase(), prefill = phase(), decode = phase(), inference = phase();
    Histogram per_token{{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5}};
    Histogram prompt_sizes = sizes(), answer_sizes = sizes();
    Histogram loads{{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300}};
    uint64_t failed_loads = 0;
    uint64_t prompt = 0, cached = 0, generated = 0;
    std::map<std::string, uint64_t> finished;  // by reason
  };
  PerModel& of(const std::string& model);

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<PerModel>> models_;
  std::map<std::pair<std::string, int>, uint64_t> requests_;        // by route pattern and status
  std::map<std::pair<std::string, std::string>, uint64_t> masked_;  // by upstream and kind
  uint64_t batch_lines_[2] = {};                                    // failed, completed
};

}  // namespace shenbi::server
