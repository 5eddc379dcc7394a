#pragma once
// What the benchmarks of the network share: blocking sockets, a child process that serves, options, percentiles.

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"

namespace shenbi::bench {

using Clock = std::chrono::steady_clock;

inline int64_t now_ns() { return Clock::now().time_since_epoch().count(); }

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Reorders the values.
inline double percentile(std::vector<double>& values, double q) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

/// A connection to this machine.
inline int dial(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw Error(Code::kInternal, fmt::format("connect: {}", std::strerror(errno)));
  return fd;
}

inline void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) throw Error(Code::kInternal, "send failed");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

/// What has come, at least one byte.
inline std::string_view receive(int fd, std::span<char> into) {
  const ssize_t size = ::recv(fd, into.data(), into.size(), 0);
  if (size <= 0) throw Error(Code::kInternal, "the other side closed the connection");
  return {into.data(), static_cast<size_t>(size)};
}

/// Of a process, as the kernel counts it.
inline double resident_mb(const std::string& process) {
  std::ifstream status("/proc/" + process + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) / 1024;
  }
  return 0;
}

inline void print_machine() {
  double load[1] = {0};
  ::getloadavg(load, 1);
  fmt::print("machine: {} cores, load {:.1f} before the run\n", std::thread::hardware_concurrency(), load[0]);
}

/// "--name number" pairs behind the first `skip` arguments.
inline void read_options(int count, char** arguments, std::initializer_list<std::pair<std::string_view, int*>> options,
                         int skip = 1) {
  for (int i = skip; i < count; i += 2) {
    const auto known =
        std::find_if(options.begin(), options.end(), [&](const auto& option) { return option.first == arguments[i]; });
    if (known == options.end() || i + 1 == count)
      throw Error(Code::kInvalidArgument, fmt::format("unknown option {}", arguments[i]));
    *known->second = std::atoi(arguments[i + 1]);
    if (*known->second < 1) throw Error(Code::kInvalidArgument, fmt::format("{} must be at least 1", arguments[i]));
  }
}

/// Runs `serve` in a child process, `measure` in this one, and ends the child. `serve` tells its port through the
/// function it is given, and does not return.
inline void beside_a_server(const std::function<void(const std::function<void(uint16_t)>&)>& serve,
                            const std::function<void(uint16_t port, pid_t server)>& measure) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  int ready[2];
  if (::pipe(ready) != 0) throw Error(Code::kInternal, "no pipe");
  const pid_t server = ::fork();
  if (server == 0) {
    serve([&](uint16_t port) {
      if (::write(ready[1], &port, sizeof port) != sizeof port) std::_Exit(1);
    });
    std::_Exit(1);
  }
  ::close(ready[1]);
  const auto end = [server] {
    ::kill(server, SIGKILL);
    ::waitpid(server, nullptr, 0);
  };
  try {
    uint16_t port = 0;
    if (::read(ready[0], &port, sizeof port) != sizeof port) throw Error(Code::kInternal, "the server did not start");
    measure(port, server);
  } catch (...) {
    end();
    throw;
  }
  end();
}

/// What main() does: an Error is one line and exit code 1.
inline int run_main(const char* name, const std::function<void()>& body) {
  try {
    body();
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
    return 1;
  }
}

}  // namespace shenbi::bench
