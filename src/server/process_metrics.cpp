#include "server/process_metrics.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <vector>

namespace shenbi::server {
namespace {

std::string whole(const char* path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The fields of /proc/self/stat behind the name of the program, which may hold blanks: [0] is the state (field 3 of
// proc(5)).
std::vector<std::string> stat_fields() {
  const std::string text = whole("/proc/self/stat");
  const size_t name_end = text.rfind(')');
  std::vector<std::string> fields;
  if (name_end == std::string::npos) return fields;
  std::istringstream rest(text.substr(name_end + 1));
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

// Seconds since 1970 at which the machine started.
double boot_time() {
  std::istringstream text(whole("/proc/stat"));
  for (std::string word; text >> word;) {
    double seconds = 0;
    if (word == "btime" && text >> seconds) return seconds;
  }
  return 0;
}

}  // namespace

std::string process_metrics() {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n{} {}\n", name, help, name, type, name, value);
  };
  // utime 14, stime 15, num_threads 20, starttime 22, vsize 23, rss 24, counted from 1; the first kept is 3.
  const auto fields = stat_fields();
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  if (fields.size() > 21) {
    const auto number = [&](size_t field) { return std::stod(fields[field - 3]); };
    add("process_cpu_seconds_total", "counter", "CPU time of user and system.", (number(14) + number(15)) / ticks);
    add("process_resident_memory_bytes", "gauge", "Memory in use, mapped model files included.",
        number(24) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    add("process_virtual_memory_bytes", "gauge", "Address space in use.", number(23));
    add("process_start_time_seconds", "gauge", "Start of the process since 1970.", boot_time() + number(22) / ticks);
    add("process_threads", "gauge", "Threads of the process.", number(20));
  }
  std::error_code failed;
  const auto files = std::distance(std::filesystem::directory_iterator("/proc/self/fd", failed), {});
  if (!failed) add("process_open_fds", "gauge", "Open files and connections.", files);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    add("process_max_fds", "gauge", "How many may be open.", static_cast<uint64_t>(limit.rlim_cur));
  return out;
}

}  // namespace shenbi::server
