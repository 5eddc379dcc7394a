// upstream_client [--exchanges 20000] [--at-once 64] [--streams 1000] [--rate 20] [--seconds 5] [--threads 1]: what the
// HTTP client of the gateway costs.
//
// A child process is the upstream (our own HTTP server with nothing behind it); this process is the client. Printed:
//   round    one exchange after the other, 1 KB each way, beside the same bytes through a blocking socket: the
//            difference is what the client adds (two changes of thread among it)
//   rate     `at-once` exchanges under way: how many a second, and CPU of this process for each
//   streams  that many event streams with `rate` events a second: CPU of this process an event, and its memory
// Both processes share the machine: on two cores the rate is that of client and upstream together.

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "bench/sockets.h"
#include "net/client.h"

namespace {

using namespace shenbi;
using namespace shenbi::bench;
using namespace std::chrono_literals;

struct Settings {
  int exchanges = 20'000, at_once = 64, streams = 1000, rate = 20, seconds = 5, threads = 1;
};

const std::string kBody(1024, 'x');

// --- the child: an upstream that answers at once, or streams ---

[[noreturn]] void serve(const Settings& settings, const std::function<void(uint16_t)>& tell_port) {
  std::mutex mutex;
  std::vector<net::ExchangePtr> streams;
  net::HttpServer server({.threads = 1}, nullptr, [&](net::ServerRequest request, net::ExchangePtr exchange) {
    if (request.path != "/events") return exchange->send({200, {{"Content-Type", "application/json"}}, kBody});
    exchange->begin(200, {{"Content-Type", "text/event-stream"}});
    const std::lock_guard lock(mutex);
    streams.push_back(std::move(exchange));
  });
  server.start();
  tell_port(server.port());
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
  const int fd = dial(port);
  const std::string request =
      fmt::format("POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}", kBody.size(), kBody);
  std::vector<double> out;
  std::array<char, 8192> bytes{};
  for (int i = 0; i < count; ++i) {
    const auto begin = Clock::now();
    send_all(fd, request);
    for (size_t got = 0; got < kBody.size();) got += receive(fd, bytes).size();
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
  const double before = resident_mb("self");
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
      1e6 * used / static_cast<double>(std::max<int64_t>(1, events)), 100 * used / wall, resident_mb("self"), before);
  for (const auto& call : calls) call->cancel();
}

void run(const Settings& settings, uint16_t port) {
  print_machine();
  net::Client client({.threads = settings.threads});
  rounds(client, port, 500);
  auto with = rounds(client, port, 5000), bare = bare_rounds(port, 5000);
  fmt::print("round:   us p50 {:.1f} p99 {:.1f}; blocking socket p50 {:.1f} p99 {:.1f}\n", percentile(with, 0.5),
             percentile(with, 0.99), percentile(bare, 0.5), percentile(bare, 0.99));
  rate(client, port, settings);
  streams(client, port, settings);
}

}  // namespace

int main(int count, char** arguments) {
  return run_main("upstream_client", [&] {
    Settings settings;
    read_options(count, arguments,
                 {{"--exchanges", &settings.exchanges},
                  {"--at-once", &settings.at_once},
                  {"--streams", &settings.streams},
                  {"--rate", &settings.rate},
                  {"--seconds", &settings.seconds},
                  {"--threads", &settings.threads}});
    beside_a_server([&](const auto& tell_port) { serve(settings, tell_port); },
                    [&](uint16_t port, pid_t) { run(settings, port); });
  });
}
