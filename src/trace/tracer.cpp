#include "trace/tracer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/version.h"
#include "net/http.h"
#include "trace/otlp.h"

namespace shenbi::trace {

// The queue and the thread that empties it. Spans hold it, so it outlives whoever still ends one; after close() what
// comes is dropped.
class Tracer::Exporter final : public Sink {
 public:
  explicit Exporter(const Options& options) : options_(options), service_(service_of(options)) {
    thread_ = std::thread([this] { work(); });
  }
  ~Exporter() override { close(std::chrono::milliseconds(0)); }

  void take(FinishedSpan span) override {
    {
      std::lock_guard lock(mutex_);
      if (closing_ || queue_.size() >= options_.queue) {
        ++counts_.dropped;
        return;
      }
      queue_.push_back(std::move(span));
      if (queue_.size() < std::min(options_.batch, options_.queue)) return;
    }
    changed_.notify_all();
  }

  ExportCounts counts() const {
    std::lock_guard lock(mutex_);
    ExportCounts counts = counts_;
    counts.waiting = queue_.size() + sending_;
    return counts;
  }

  bool flush(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    ++flushing_;
    changed_.notify_all();
    const bool done = changed_.wait_for(lock, patience, [&] { return queue_.empty() && sending_ == 0; });
    --flushing_;
    return done;
  }

  void close(std::chrono::milliseconds patience) {
    if (!thread_.joinable()) return;
    flush(patience);
    {
      std::lock_guard lock(mutex_);
      closing_ = true;
      counts_.dropped += queue_.size();
      queue_.clear();
    }
    cancelled_ = true;
    changed_.notify_all();
    thread_.join();
  }

 private:
  static std::vector<std::pair<std::string, std::string>> service_of(const Options& options) {
    std::vector<std::pair<std::string, std::string>> all = {{"service.name", options.service_name},
                                                            {"service.version", std::string(kVersion)},
                                                            {"service.instance.id", hex(new_trace_id())},
                                                            {"telemetry.sdk.name", "shenbi"},
                                                            {"telemetry.sdk.language", "cpp"},
                                                            {"telemetry.sdk.version", std::string(kVersion)}};
    for (const auto& [key, value] : options.attributes) {
      const auto same = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.first == key; });
      if (same == all.end())
        all.emplace_back(key, value);
      else
        same->second = value;
    }
    return all;
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (!closing_) {
      changed_.wait_for(lock, options_.delay,
                        [&] { return closing_ || queue_.size() >= options_.batch || (flushing_ && !queue_.empty()); });
      while (!queue_.empty() && !closing_) {
        const size_t count = std::min(queue_.size(), options_.batch);
        std::vector<FinishedSpan> batch(std::make_move_iterator(queue_.begin()),
                                        std::make_move_iterator(queue_.begin() + static_cast<ptrdiff_t>(count)));
        queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(count));
        sending_ = count;
        lock.unlock();
        const bool taken = send(batch);
        lock.lock();
        sending_ = 0;
        (taken ? counts_.sent : counts_.dropped) += count;
        changed_.notify_all();
      }
    }
  }

  // Tries again where OTLP says so: no answer, 429, 502, 503, 504. Meanwhile the queue fills, up to its bound.
  bool send(const std::vector<FinishedSpan>& batch) {
    const std::string body = otlp_json(batch, service_);
    for (int attempt = 1;; ++attempt) {
      const int status = post(body);
      if (status >= 200 && status < 300) {
        warned_ = false;
        return true;
      }
      const bool again = status == 0 || status == 429 || (status >= 502 && status <= 504);
      std::unique_lock lock(mutex_);
      ++counts_.failed_requests;
      if (!again || attempt == kAttempts || closing_) return false;
      changed_.wait_for(lock, kFirstPause * (1 << (attempt - 1)), [&] { return closing_ || flushing_ > 0; });
    }
  }

  // The status, or 0 if there is none.
  int post(const std::string& body) {
    std::string problem;
    try {
      net::Options options{.headers = options_.headers, .max_bytes = 1u << 20, .cancelled = &cancelled_};
      options.connect_timeout_s = options.stall_timeout_s = options.total_timeout_s =
          std::chrono::duration<double>(options_.timeout).count();
      options.headers.push_back("Content-Type: application/json");
      const int status = net::post(options_.endpoint, body, options).status;
      if (status >= 200 && status < 300) return status;
      problem = fmt::format("the answer is {}", status);
      warn(problem);
      return status;
    } catch (const std::exception& error) {
      warn(error.what());
      return 0;
    }
  }

  void warn(std::string_view problem) {
    if (cancelled_ || std::exchange(warned_, true)) return;
    // Without what stands before an '@', which may be a password.
    const std::string& whole = options_.endpoint;
    const size_t at = whole.find('@');
    log_warn("traces cannot be sent to {}: {}", at == std::string::npos ? whole : whole.substr(at + 1), problem);
  }

  static constexpr int kAttempts = 4;
  static constexpr std::chrono::milliseconds kFirstPause{1000};  // then 2 s and 4 s

  const Options options_;
  const std::vector<std::pair<std::string, std::string>> service_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<FinishedSpan> queue_;
  ExportCounts counts_;
  size_t sending_ = 0;
  int flushing_ = 0;
  bool closing_ = false, warned_ = false;
  std::atomic<bool> cancelled_ = false;
  std::thread thread_;
};

std::shared_ptr<Tracer> Tracer::start(const Options& options) {
  if (options.endpoint.empty()) return nullptr;
  if (!options.endpoint.starts_with("http://") && !options.endpoint.starts_with("https://")) {
    throw Error(Code::kInvalidArgument, fmt::format("traces: '{}' is no http or https address", options.endpoint));
  }
  return std::make_shared<Tracer>(options);
}

Tracer::Tracer(const Options& options)
    : ratio_(options.ratio), follow_caller_(options.follow_caller), exporter_(std::make_shared<Exporter>(options)) {}

Tracer::~Tracer() { exporter_->close(kLastExport); }

// By the trace's own number, so that every server of a trace that samples by ratio decides alike.
bool Tracer::chosen(const TraceId& id) const noexcept {
  uint64_t number = 0;
  for (size_t i = 8; i < 16; ++i) number = number << 8 | id[i];
  return static_cast<double>(number >> 11) * 0x1p-53 < ratio_;
}

Span Tracer::root(std::string name, Kind kind, const std::optional<Context>& caller, Time start) {
  Context context;
  if (caller) context = *caller;
  const SpanId parent = context.span;
  if (!caller) context.trace = new_trace_id();
  context.span = new_span_id();
  if (!caller || !follow_caller_) context.recorded = chosen(context.trace);
  return Span(exporter_, std::move(context), parent, std::move(name), kind, Clocks(), start);
}

ExportCounts Tracer::counts() const { return exporter_->counts(); }
bool Tracer::flush(std::chrono::milliseconds patience) { return exporter_->flush(patience); }

}  // namespace shenbi::trace
