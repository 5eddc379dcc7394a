// upstream_client [--exchanges 20000] [--at-once 64] [--streams 1000] [--rate 20] [--seconds 5] [--threads 1]: what the
// HTTP client of the gateway costs.
//
// A child process is the upstream (our own HTTP server with nothing behind it); this process is the client. Printed:
//   round    one exchange after the other, 1 KB each way, beside the same bytes through a blocking socket: the
//            difference is what the client adds (two changes of thread among it)
//   rate     `at-once` exchanges under way: how many a second, and CPU of this process for each
//   streams  that many event streams with `rate` events a second: CPU of this process an event, and its memory
// Both processes share the machine: on two cores the rate is that of client and upstream together.

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "net/client.h"

namespace {

using namespace shenbi;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Settings {
  int exchanges = 20'000, at_once = 64, streams = 1000, rate = 20, seconds = 5, threads = 1;
};

const std::string kBody(1024, 'x');

// --- the child: an upstream that answers at once, or streams ---

[[noreturn]] void serve(const Settings& settings, int ready) {
  std::mutex mutex;
  std::vector<net::ExchangePtr> streams;
  net::HttpServer server({.threads = 1}, nullptr, [&](net::ServerRequest request, net::ExchangePtr exchange) {
    if (request.path != "/events") return exchange->send({200, {{"Content-Type", "application/json"}}, kBody});
    exchange->begin(200, {{"Content-Type", "text/event-stream"}});
    const std::lock_guard lock(mutex);
    streams.push_back(std::move(exchange));
  });
  server.start();
  const uint16_t port = server.port();
  if (::write(ready, &port, sizeof port) != sizeof port) std::exit(1);
  const std::string event =
      "data: {\"id\":\"chatcmpl-123\",\"object\":\"chat.completion.chunk\",\"model\":\"m\","
      "\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n";
  const int groups = std::max(1, 1000 / settings.rate);  // of streams, a millisecond apart
  auto due = Clock::now();
  for (size_t group = 0;; ++group) {
    std::this_thread::sleep_until(due += 1ms);
    const std::lock_guard lock(mutex);
    for (size_t i = group % static_cast<size_t>(groups); i < streams.size(); i += static_cast<size_t>(groups)) {
      streams[i]->write(event);
    }
  }
}

// --- measuring ---

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double resident_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) / 1024;
  }
  return 0;
}

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double percentile(std::vector<double>& values, double q) {
  const auto at = values.begin() + static_cast<ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

class Flag {
 public:
  void raise() {
    const std::lock_guard lock(mutex_);
    raised_ = true;
    changed_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return raised_; });
    raised_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool raised_ = false;
};

void check(const Error* error) {
  if (!error) return;
  fmt::print(stderr, "upstream_client: {}\n", error->what());
  std::_Exit(1);
}

net::ClientRequest request_to(uint16_t port, std::string_view path) {
  return {.url = fmt::format("http://127.0.0.1:{}{}", port, path),
          .headers = {{"Authorization", "Bearer sk-0123456789"}, {"Content-Type", "application/json"}},
          .body = kBody};
}

std::vector<double> rounds(net::Client& client, uint16_t port, int count) {
  std::vector<double> out;
  Flag done;
  for (int i = 0; i < count; ++i) {
    const auto begin = Clock::now();
    client.start(request_to(port, "/small"), {.on_end = [&](const Error* error) {
                   check(error);
                   done.raise();
                 }});
    done.wait();
    out.push_back(seconds_since(begin) * 1e6);
  }
  return out;
}

std::vector<double> bare_rounds(uint16_t port, int count) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw Error(Code::kInternal, "no connection");
  const std::string request =
      fmt::format("POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}", kBody.size(), kBody);
  std::vector<double> out;
  std::array<char, 8192> bytes{};
  for (int i = 0; i < count; ++i) {
    const auto begin = Clock::now();
    if (::send(fd, request.data(), request.size(), 0) < 0) throw Error(Code::kInternal, "send failed");
    for (size_t got = 0; got < kBody.size();) {
      const ssize_t size = ::recv(fd, bytes.data(), bytes.size(), 0);
      if (size <= 0) throw Error(Code::kInternal, "a round trip failed");
      got += static_cast<size_t>(size);
    }
    out.push_back(seconds_since(begin) * 1e6);
  }
  ::close(fd);
  return out;
}

void rate(net::Client& client, uint16_t port, const Settings& settings) {
  std::atomic<int> begun{0}, ended{0};
  Flag done;
  std::function<void()> next = [&] {
    if (begun++ >= settings.exchanges) return;
    client.start(request_to(port, "/small"), {.on_end = [&](const Error* error) {
                   check(error);
                   next();
                   if (++ended == settings.exchanges) done.raise();
                 }});
  };
  const double cpu = cpu_seconds();
  const auto begin = Clock::now();
  for (int i = 0; i < settings.at_once; ++i) next();
  done.wait();
  const double wall = seconds_since(begin), used = cpu_seconds() - cpu;
  fmt::print("rate:    {} at once: {:.0f} exchanges/s; {:.1f} us CPU of the client each\n", settings.at_once,
             settings.exchanges / wall, 1e6 * used / settings.exchanges);
}

void streams(net::Client& client, uint16_t port, const Settings& settings) {
  std::atomic<int64_t> events{0}, heads{0};
  const double before = resident_mb();
  std::vector<std::shared_ptr<net::ClientCall>> calls;
  for (int i = 0; i < settings.streams; ++i) {
    calls.push_back(client.start(request_to(port, "/events"), {.on_head = [&](int, const net::Headers&) { ++heads; },
                                                               .on_body =
                                                                   [&](std::string_view bytes) {
                                                                     for (size_t at = bytes.find("\n\n");
                                                                          at != bytes.npos;
                                                                          at = bytes.find("\n\n", at + 2))
                                                                       ++events;
                                                                   },
                                                               .on_end = nullptr}));
  }
  while (heads < settings.streams) std::this_thread::sleep_for(10ms);
  events = 0;
  const double cpu = cpu_seconds();
  const auto begin = Clock::now();
  std::this_thread::sleep_for(std::chrono::seconds(settings.seconds));
  const double wall = seconds_since(begin), used = cpu_seconds() - cpu;
  fmt::print(
      "streams: {} x {} events/s: {:.0f} events/s seen; {:.1f} us CPU each, {:.0f} % of a core; RSS {:.1f} MB, "
      "{:.1f} MB without\n",
      settings.streams, settings.rate, static_cast<double>(events) / wall,
      1e6 * used / static_cast<double>(std::max<int64_t>(1, events)), 100 * used / wall, resident_mb(), before);
  for (const auto& call : calls) call->cancel();
}

void run(const Settings& settings, uint16_t port) {
  double load[1] = {0};
  ::getloadavg(load, 1);
  fmt::print("machine: {} cores, load {:.1f} before the run\n", std::thread::hardware_concurrency(), load[0]);
  net::Client client({.threads = settings.threads});
  rounds(client, port, 500);
  auto with = rounds(client, port, 5000), bare = bare_rounds(port, 5000);
  fmt::print("round:   us p50 {:.1f} p99 {:.1f}; blocking socket p50 {:.1f} p99 {:.1f}\n", percentile(with, 0.5),
             percentile(with, 0.99), percentile(bare, 0.5), percentile(bare, 0.99));
  rate(client, port, settings);
  streams(client, port, settings);
}

}  // namespace

int main(int count, char** arguments) try {
  Settings settings;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = arguments[i];
    int* value = name == "--exchanges" ? &settings.exchanges
                 : name == "--at-once" ? &settings.at_once
                 : name == "--streams" ? &settings.streams
                 : name == "--rate"    ? &settings.rate
                 : name == "--seconds" ? &settings.seconds
                 : name == "--threads" ? &settings.threads
                                       : nullptr;
    if (value == nullptr) throw Error(Code::kInvalidArgument, fmt::format("unknown option {}", name));
    *value = std::atoi(arguments[i + 1]);
    if (*value < 1) throw Error(Code::kInvalidArgument, fmt::format("{} must be at least 1", name));
  }
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  int ready[2];
  if (::pipe(ready) != 0) throw Error(Code::kInternal, "no pipe");
  const pid_t upstream = ::fork();
  if (upstream == 0) serve(settings, ready[1]);
  uint16_t port = 0;
  if (::read(ready[0], &port, sizeof port) != sizeof port) throw Error(Code::kInternal, "the upstream did not start");
  try {
    run(settings, port);
  } catch (...) {
    ::kill(upstream, SIGKILL);
    throw;
  }
  ::kill(upstream, SIGKILL);
  ::waitpid(upstream, nullptr, 0);
} catch (const shenbi::Error& error) {
  fmt::print(stderr, "upstream_client: {}\n", error.what());
  return 1;
}
