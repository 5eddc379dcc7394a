// gateway_load stub: an upstream that answers at once, on a port that it prints; ends with its input.
// gateway_load measure --direct PORT --via PORT [...]: what a gateway in front of that upstream costs. One line of
// JSON.
//
// bench/gateway.py starts both, and the gateways between them. Measured:
//   latency  one request after the other, in turns straight to the upstream and through the gateway: the difference of
//            the percentiles is what the gateway adds
//   rate     `at-once` connections, each asking again as soon as it was answered
//   streams  that many answers held open: the memory of process `pid` with all of them

#include <poll.h>

#include <array>
#include <mutex>
#include <nlohmann/json.hpp>

#include "bench/sockets.h"
#include "net/server.h"

namespace {

using namespace shenbi;
using namespace shenbi::bench;

// --- the upstream ---

std::string chunk(const std::string& delta, const std::string& finish) {
  return R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,)"
         R"("delta":)" +
         delta + R"(,"finish_reason":)" + finish + "}]}\n\n";
}

const std::string kWord = chunk(R"({"role":"assistant","content":" word"})", "null");
const std::string kStreamEnd =
    chunk("{}", R"("stop")") +
    R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],)"
    R"("usage":{"prompt_tokens":9,"completion_tokens":8,"total_tokens":17}})"
    "\n\ndata: [DONE]\n\n";

std::string whole_answer() {
  return R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
         R"("message":{"role":"assistant","content":")" +
         std::string(700, 'x') +
         R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":8,"total_tokens":17}})";
}

// What a client asks for stands behind the messages, as OpenAI's client writes it; looked for from the end, so that a
// large prompt costs the upstream nothing.
bool says(const std::string& body, std::string_view word) {
  return body.rfind(word, std::string::npos) != std::string::npos;
}

void serve_stub() {
  std::mutex mutex;
  std::vector<net::ExchangePtr> held;
  const std::string whole = whole_answer();
  net::HttpServer server({.threads = 1}, nullptr, [&](net::ServerRequest request, net::ExchangePtr exchange) {
    const std::string tail = request.body.substr(request.body.size() - std::min<size_t>(request.body.size(), 200)) +
                             request.body.substr(0, 200);
    if (!says(tail, R"("stream":true)") && !says(tail, R"("stream": true)"))
      return exchange->send({200, {{"Content-Type", "application/json"}}, whole});
    exchange->begin(200, {{"Content-Type", "text/event-stream"}});
    exchange->write(kWord);
    if (says(tail, "hold")) {
      const std::lock_guard lock(mutex);
      held.push_back(std::move(exchange));
      return;
    }
    for (int i = 0; i < 7; ++i) exchange->write(kWord);
    exchange->write(kStreamEnd);
    exchange->end();
  });
  server.start();
  fmt::print("{}\n", server.port());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  std::_Exit(0);
}

// --- the client ---

struct Settings {
  int direct = 0, via = 0, bytes = 1024, requests = 2000, stream = 0, at_once = 16, streams = 0, pid = 0;
  std::string model, key = "none";
};

std::string request_of(const Settings& settings, const std::string& model) {
  const size_t padding = static_cast<size_t>(std::max(16, settings.bytes - 100));
  std::string body = R"({"model":")" + model + R"(","messages":[{"role":"user","content":")" +
                     std::string(padding, 'a') + R"("}],"max_tokens":16,"stream":)" +
                     (settings.stream ? "true}" : "false}");
  return fmt::format(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: "
      "Bearer {}\r\nContent-Length: {}\r\n\r\n{}",
      settings.key, body.size(), body);
}

// Whether `text` holds a whole answer.
bool is_whole(const std::string& text) {
  const size_t head = text.find("\r\n\r\n");
  if (head == text.npos) return false;
  if (!text.starts_with("HTTP/1.1 200")) throw Error(Code::kInternal, text.substr(0, 600));
  for (const std::string_view name : {"\r\ncontent-length: ", "\r\nContent-Length: "}) {
    const size_t at = text.find(name);
    if (at < head) return text.size() >= head + 4 + static_cast<size_t>(std::atoll(text.c_str() + at + name.size()));
  }
  return text.ends_with("\r\n0\r\n\r\n");
}

class Connection {
 public:
  explicit Connection(int port) : fd_(dial(static_cast<uint16_t>(port))) {}
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  int fd() const { return fd_; }
  void ask(std::string_view request) {
    text_.clear();
    send_all(fd_, request);
  }
  /// Takes what has come; true: the answer is whole.
  bool read() {
    text_ += receive(fd_, bytes_);
    return is_whole(text_);
  }

 private:
  const int fd_;
  std::string text_;
  std::vector<char> bytes_ = std::vector<char>(65536);
};

double round_us(Connection& connection, std::string_view request) {
  const int64_t begin = now_ns();
  connection.ask(request);
  while (!connection.read()) {
  }
  return 1e-3 * static_cast<double>(now_ns() - begin);
}

nlohmann::json latency(const Settings& settings) {
  Connection direct(settings.direct), via(settings.via);
  const std::string plain = request_of(settings, "m"), routed = request_of(settings, settings.model);
  std::vector<double> straight, through;
  const int warm = std::min(200, settings.requests / 5);
  for (int i = 0; i < settings.requests + warm; ++i) {
    const double one = round_us(direct, plain), other = round_us(via, routed);
    if (i < warm) continue;
    straight.push_back(one);
    through.push_back(other);
  }
  const double d50 = percentile(straight, 0.5), d99 = percentile(straight, 0.99);
  const double v50 = percentile(through, 0.5), v99 = percentile(through, 0.99);
  return {{"direct_p50_us", d50}, {"direct_p99_us", d99},      {"p50_us", v50},
          {"p99_us", v99},        {"added_p50_us", v50 - d50}, {"added_p99_us", v99 - d99}};
}

nlohmann::json rate(const Settings& settings) {
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<pollfd> waiting;
  const std::string request = request_of(settings, settings.model);
  for (int i = 0; i < settings.at_once; ++i) {
    connections.push_back(std::make_unique<Connection>(settings.via));
    waiting.push_back({.fd = connections.back()->fd(), .events = POLLIN, .revents = 0});
    connections.back()->ask(request);
  }
  int asked = settings.at_once, answered = 0;
  const auto begin = Clock::now();
  while (answered < settings.requests) {
    if (::poll(waiting.data(), waiting.size(), 60'000) <= 0) throw Error(Code::kInternal, "no answer in a minute");
    for (size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].revents == 0 || !connections[i]->read()) continue;
      ++answered;
      if (asked < settings.requests) {
        connections[i]->ask(request);
        ++asked;
      }
    }
  }
  return {{"requests_per_s", settings.requests / seconds_since(begin)}};
}

nlohmann::json streams(Settings settings) {
  settings.stream = 1;
  const double before = resident_mb(std::to_string(settings.pid));
  std::vector<std::unique_ptr<Connection>> connections;
  const std::string request = request_of(settings, settings.model);
  std::array<char, 65536> bytes{};
  for (int i = 0; i < settings.streams; ++i) {
    connections.push_back(std::make_unique<Connection>(settings.via));
    connections.back()->ask(request);
  }
  for (const auto& connection : connections) {
    std::string text;
    while (text.find("word") == text.npos) text += receive(connection->fd(), bytes);
  }
  return {{"streams", settings.streams},
          {"memory_mb", resident_mb(std::to_string(settings.pid))},
          {"memory_before_mb", before}};
}

void measure(const Settings& settings) {
  if (settings.streams > 0) return fmt::print("{}\n", streams(settings).dump());
  nlohmann::json figures = latency(settings);
  if (settings.at_once > 1) figures.update(rate(settings));
  fmt::print("{}\n", figures.dump());
}

// "--name text" pairs are taken out in front of the numbers.
std::string take_text(std::vector<char*>& arguments, std::string_view name, std::string fallback) {
  for (size_t i = 2; i + 1 < arguments.size(); ++i) {
    if (arguments[i] != name) continue;
    fallback = arguments[i + 1];
    arguments.erase(arguments.begin() + static_cast<ptrdiff_t>(i), arguments.begin() + static_cast<ptrdiff_t>(i) + 2);
  }
  return fallback;
}

}  // namespace

int main(int count, char** arguments) {
  return run_main("gateway_load", [&] {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    std::vector<char*> words(arguments, arguments + count);
    if (count > 1 && std::string_view(words[1]) == "stub") return serve_stub();
    Settings settings;
    settings.model = take_text(words, "--model", "stub/m");
    settings.key = take_text(words, "--key", "none");
    read_options(static_cast<int>(words.size()), words.data(),
                 {{"--direct", &settings.direct},
                  {"--via", &settings.via},
                  {"--bytes", &settings.bytes},
                  {"--requests", &settings.requests},
                  {"--stream", &settings.stream},
                  {"--at-once", &settings.at_once},
                  {"--streams", &settings.streams},
                  {"--pid", &settings.pid}},
                 2);
    measure(settings);
  });
}
