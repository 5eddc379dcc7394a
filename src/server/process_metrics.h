#pragma once
// What this process uses, under the names that Prometheus' own clients give it.

#include <string>

namespace shenbi::server {

/// process_resident_memory_bytes, process_virtual_memory_bytes, process_cpu_seconds_total, process_open_fds,
/// process_max_fds, process_start_time_seconds, process_threads. What the system does not tell is left out.
std::string process_metrics();

}  // namespace shenbi::server
