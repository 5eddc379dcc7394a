// server_streams [--streams 2000] [--rate 20] [--seconds 10] [--idle 1000] [--threads 2]: what the HTTP server costs.
//
// A child process is the server, with a stub in place of an engine; this process is the clients. Printed:
//   idle     memory of the server with that many open event streams on which nothing happens
//   streams  each gets `rate` events a second, written by one thread in groups a millisecond apart, as engines step;
//            delay = from write() to the client's read; gap error = how far the time between two events of a stream is
//            from 1/rate; CPU of the server process an event, its stub included; time inside one write()
//   round    a small request and answer on one kept connection, beside the same bytes through a bare echo thread
//   wrk      requests a second, when wrk is installed
// Clients and server share the machine: a busy one shows in the percentiles.

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <mutex>

#include "bench/sockets.h"
#include "net/server.h"

namespace {

using namespace shenbi;
using namespace shenbi::bench;
using namespace std::chrono_literals;

struct Settings {
  int streams = 2000, rate = 20, seconds = 10, idle = 1000, threads = 2;
};

// --- the child: server and stub ---

// Writes to every stream `rate` times a second; the streams are cut into as many groups as a period has milliseconds.
class Stub {
 public:
  explicit Stub(int rate) : groups_(static_cast<size_t>(std::max(1, 1000 / rate))), thread_([this] { run(); }) {}
  ~Stub() {
    stop_ = true;
    thread_.join();
  }
  void add(net::ExchangePtr exchange) {
    const std::lock_guard lock(mutex_);
    groups_[next_++ % groups_.size()].push_back(std::move(exchange));
  }
  // Of making one event and handing it to the server.
  double write_us() const {
    return 1e-3 * static_cast<double>(written_ns_) / static_cast<double>(std::max<int64_t>(1, written_));
  }

 private:
  void run() {
    auto due = Clock::now();
    for (size_t group = 0; !stop_; group = (group + 1) % groups_.size()) {
      std::this_thread::sleep_until(due += 1ms);
      const std::lock_guard lock(mutex_);
      const int64_t begin = now_ns();
      for (const net::ExchangePtr& exchange : groups_[group]) {
        exchange->write(
            fmt::format("data: {{\"at\":{:020},\"choices\":[{{\"delta\":{{\"content\":\" word\"}}}}]}}\n\n", now_ns()));
      }
      written_ns_ += now_ns() - begin;
      written_ += static_cast<int64_t>(groups_[group].size());
    }
  }

  std::mutex mutex_;
  std::vector<std::vector<net::ExchangePtr>> groups_;
  size_t next_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> written_ns_{0}, written_{0};
  std::thread thread_;
};

[[noreturn]] void serve(const Settings& settings, const std::function<void(uint16_t)>& tell_port) {
  Stub stub(settings.rate);
  std::mutex mutex;
  std::vector<net::ExchangePtr> idle;
  net::HttpServer server({.threads = settings.threads}, nullptr,
                         [&](net::ServerRequest request, net::ExchangePtr exchange) {
                           if (request.path == "/small")
                             return exchange->send({200, {{"Content-Type", "text/plain"}}, "hello"});
                           if (request.path == "/cost")
                             return exchange->send({200, {}, fmt::format("{:.2f}", stub.write_us())});
                           exchange->begin(200, {{"Content-Type", "text/event-stream"}}, ": ping\n\n");
                           if (request.path == "/events") return stub.add(std::move(exchange));
                           exchange->write("data: open\n\n");
                           const std::lock_guard lock(mutex);
                           idle.push_back(std::move(exchange));
                         });
  server.start();
  tell_port(server.port());
  for (;;) ::pause();
}

// --- this process: the clients ---

void ask(int fd, std::string_view path) {
  send_all(fd, fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", path));
}

std::vector<int> open_streams(uint16_t port, int count, std::string_view path) {
  std::vector<int> out;
  std::array<char, 4096> bytes{};
  for (int i = 0; i < count; ++i) {
    out.push_back(dial(port));
    ask(out.back(), path);
    receive(out.back(), bytes);
  }
  return out;
}

double cpu_seconds(pid_t process) {
  std::ifstream stat(fmt::format("/proc/{}/stat", process));
  std::string word;
  double ticks = 0;
  for (int field = 1; stat >> word; ++field) {
    if (field == 14 || field == 15) ticks += std::stod(word);
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// The body of a small answer.
std::string fetch(uint16_t port, std::string_view path) {
  const int fd = dial(port);
  ask(fd, path);
  std::array<char, 4096> bytes{};
  const std::string_view text = receive(fd, bytes);
  ::close(fd);
  return std::string(text.substr(std::min(text.size(), text.find("\r\n\r\n") + 4)));
}

struct StreamTimes {
  std::vector<double> delay_ms, gap_error_ms;
};

StreamTimes follow(const std::vector<int>& streams, const Settings& settings) {
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  for (size_t i = 0; i < streams.size(); ++i) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    ::epoll_ctl(poller, EPOLL_CTL_ADD, streams[i], &event);
  }
  StreamTimes times;
  std::vector<int64_t> last(streams.size(), 0);
  std::array<epoll_event, 256> events{};
  std::array<char, 65536> bytes{};
  const int64_t period = 1'000'000'000 / settings.rate, warm = now_ns() + 1'000'000'000,
                end = warm + settings.seconds * 1'000'000'000LL;
  while (now_ns() < end) {
    const int count = ::epoll_wait(poller, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < count; ++i) {
      const size_t stream = events[static_cast<size_t>(i)].data.u64;
      const ssize_t size = ::recv(streams[stream], bytes.data(), bytes.size(), MSG_DONTWAIT);
      const int64_t now = now_ns();
      const std::string_view text(bytes.data(), static_cast<size_t>(std::max<ssize_t>(0, size)));
      for (size_t at = text.find("\"at\":"); at != std::string_view::npos; at = text.find("\"at\":", at + 1)) {
        if (now > warm) {
          times.delay_ms.push_back(static_cast<double>(now - std::atoll(text.data() + at + 5)) * 1e-6);
          if (last[stream] > 0)
            times.gap_error_ms.push_back(std::abs(static_cast<double>(now - last[stream] - period)) * 1e-6);
        }
        last[stream] = now;
      }
    }
  }
  ::close(poller);
  return times;
}

std::vector<double> round_trips(int fd, std::string_view request, int count) {
  std::vector<double> out;
  std::array<char, 4096> bytes{};
  for (int i = 0; i < count; ++i) {
    const int64_t begin = now_ns();
    send_all(fd, request);
    receive(fd, bytes);
    out.push_back(static_cast<double>(now_ns() - begin) * 1e-3);
  }
  return out;
}

// The floor: the same request through a thread that only reads and answers the same bytes.
std::vector<double> bare_round_trips(std::string_view request, int count) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 1) != 0)
    throw Error(Code::kInternal, "no port for the echo thread");
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::thread echo([&] {
    const int fd = ::accept(listener, nullptr, nullptr);
    std::array<char, 4096> bytes{};
    for (ssize_t got; (got = ::recv(fd, bytes.data(), bytes.size(), 0)) > 0;) {
      if (::send(fd, bytes.data(), static_cast<size_t>(got), 0) < 0) break;
    }
    ::close(fd);
  });
  const int fd = dial(ntohs(address.sin_port));
  auto out = round_trips(fd, request, count);
  ::close(fd);
  echo.join();
  ::close(listener);
  return out;
}

void run(const Settings& settings, uint16_t port, pid_t server) {
  print_machine();
  const std::string process = std::to_string(server);
  const double before = resident_mb(process);
  auto idle = open_streams(port, settings.idle, "/idle");
  std::this_thread::sleep_for(500ms);
  fmt::print("idle:    {} streams, RSS {:.1f} MB ({:.1f} MB without them)\n", settings.idle, resident_mb(process),
             before);
  for (const int fd : idle) ::close(fd);

  const auto streams = open_streams(port, settings.streams, "/events");
  const double cpu = cpu_seconds(server);
  const auto began = Clock::now();
  StreamTimes times = follow(streams, settings);
  const double wall = std::chrono::duration<double>(Clock::now() - began).count();
  const double used = cpu_seconds(server) - cpu;
  fmt::print("streams: {} x {} events/s, {} seen; delay ms p50 {:.2f} p99 {:.2f}; gap error ms p50 {:.2f} p99 {:.2f}\n",
             settings.streams, settings.rate, times.delay_ms.size(), percentile(times.delay_ms, 0.5),
             percentile(times.delay_ms, 0.99), percentile(times.gap_error_ms, 0.5),
             percentile(times.gap_error_ms, 0.99));
  fmt::print("         server CPU {:.0f} % of a core, {:.1f} us an event, {} us of it in write(); RSS {:.1f} MB\n",
             100 * used / wall, 1e6 * used / (wall * settings.streams * settings.rate), fetch(port, "/cost"),
             resident_mb(process));
  for (const int fd : streams) ::close(fd);
  std::this_thread::sleep_for(500ms);

  const std::string_view request = "GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const int fd = dial(port);
  round_trips(fd, request, 1000);
  auto with = round_trips(fd, request, 20000), without = bare_round_trips(request, 20000);
  ::close(fd);
  fmt::print("round:   us p50 {:.1f} p99 {:.1f}; bare echo p50 {:.1f} p99 {:.1f}\n", percentile(with, 0.5),
             percentile(with, 0.99), percentile(without, 0.5), percentile(without, 0.99));
  std::fflush(stdout);

  if (std::system("command -v wrk >/dev/null") == 0) {
    const std::string command = fmt::format("wrk -t1 -c32 -d5s --latency http://127.0.0.1:{}/small", port);
    if (std::system(command.c_str()) != 0) fmt::print(stderr, "wrk failed\n");
  }
}

}  // namespace

int main(int count, char** arguments) {
  return run_main("server_streams", [&] {
    Settings settings;
    read_options(count, arguments,
                 {{"--streams", &settings.streams},
                  {"--rate", &settings.rate},
                  {"--seconds", &settings.seconds},
                  {"--idle", &settings.idle},
                  {"--threads", &settings.threads}});
    beside_a_server([&](const auto& tell_port) { serve(settings, tell_port); },
                    [&](uint16_t port, pid_t server) { run(settings, port, server); });
  });
}
