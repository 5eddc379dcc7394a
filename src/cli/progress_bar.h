#pragma once
// A progress line on stderr: redrawn in place on a terminal, one line each 10 % elsewhere.

#include <chrono>
#include <cstdint>
#include <string>

namespace shenbi::cli {

class ProgressBar {
 public:
  /// `done` of `total` bytes (total 0: unknown) of the named thing. Not thread-safe.
  void update(const std::string& name, uint64_t done, uint64_t total, bool finished);

 private:
  using Clock = std::chrono::steady_clock;
  std::string name_;
  Clock::time_point start_, last_drawn_;
  uint64_t first_done_ = 0;
  int last_tenth_ = -1;
};

/// "241.4 MiB"
std::string format_bytes(uint64_t bytes);

}  // namespace shenbi::cli
