#pragma once
// How soon the first token came, of late: a mean in which each answer weighs a third of what is left. What is old is
// forgotten, so that it is measured anew. Thread-safe.

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace shenbi::gateway {

class FirstTokens {
 public:
  void note(const std::string& upstream, const std::string& model, double seconds) {
    std::lock_guard lock(mutex_);
    Mean& mean = means_[{upstream, model}];
    const bool fresh =
        mean.at != std::chrono::steady_clock::time_point{} && std::chrono::steady_clock::now() - mean.at < kForget;
    mean.seconds = fresh ? mean.seconds + (seconds - mean.seconds) / 3 : seconds;
    mean.at = std::chrono::steady_clock::now();
    if (means_.size() > kMost) means_.erase(means_.begin());
  }
  std::optional<double> of(const std::string& upstream, const std::string& model) const {
    std::lock_guard lock(mutex_);
    const auto found = means_.find({upstream, model});
    if (found == means_.end() || std::chrono::steady_clock::now() - found->second.at >= kForget) return std::nullopt;
    return found->second.seconds;
  }

 private:
  static constexpr auto kForget = std::chrono::minutes(10);
  static constexpr size_t kMost = 4096;  // callers may invent names of models
  struct Mean {
    double seconds = 0;
    std::chrono::steady_clock::time_point at{};
  };
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Mean> means_;
};

}  // namespace shenbi::gateway
