#include "cli/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace shenbi::cli {

std::string format_bytes(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) value /= 1024, ++unit;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

void ProgressBar::update(const std::string& name, uint64_t done, uint64_t total, bool finished) {
  const auto now = Clock::now();
  if (name != name_) {
    name_ = name;
    start_ = now;
    first_done_ = done;  // what an earlier pull left does not count as speed
    last_tenth_ = -1;
  }
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double speed = seconds > 0 ? static_cast<double>(done - first_done_) / seconds : 0;
  const double share = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0;
  std::string line = fmt::format("{}: {}", name, format_bytes(done));
  if (total > 0) line += fmt::format(" of {} ({:.0f} %)", format_bytes(total), 100 * share);
  line += fmt::format(", {}/s", format_bytes(static_cast<uint64_t>(speed)));
  if (total > done && speed > 0) {
    const auto left = static_cast<uint64_t>(static_cast<double>(total - done) / speed);
    line += fmt::format(", {}:{:02} left", left / 60, left % 60);
  }
  if (::isatty(STDERR_FILENO)) {
    // 10 redraws a second: faster is not seen, and the terminal is slow.
    if (!finished && now - last_drawn_ < std::chrono::milliseconds(100)) return;
    last_drawn_ = now;
    const int filled = static_cast<int>(share * 24);
    const std::string bar = total > 0 ? fmt::format("[{:=<{}}{:<{}}] ", "", filled, "", 24 - filled) : "";
    std::fprintf(stderr, "\r\033[K%s%s%s", bar.c_str(), line.c_str(), finished ? "\n" : "");
    return;
  }
  const int tenth = finished ? 10 : static_cast<int>(share * 10);
  if (tenth != last_tenth_) std::fprintf(stderr, "%s\n", line.c_str());
  last_tenth_ = tenth;
}

}  // namespace shenbi::cli
