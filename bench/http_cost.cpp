// http_cost [--rounds 200] [--tokens 64] [--burst 2000] [--pace-us 1000] [--model-rounds 9] [--threads N] [--model
// MODEL]
//
// What the server adds to an answer, over the provider that makes it. The whole server runs in this process (routes,
// keys, metrics, log, database) and a client on a kept connection streams POST /v1/chat/completions from it. A watch at
// the provider's door notes when a request comes in and when each token leaves, so of one and the same answer is known:
//   first token   (client read it - client sent the request) - (token left the provider - request came in): all that
//                 is not the provider's own time
//   delay         from a token leaving the provider to the client having read it
//   held          how long the provider's thread was held while a token was taken from it: what a token costs the
//   engine
// The provider is a stub that makes a token every `pace-us`, or all at once (`burst`: then also the time for a token
// with and without HTTP, in turns), so that no model's noise hides microseconds; with --model also the engine.

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/folders.h"
#include "base/scheduling.h"
#include "bench/sockets.h"
#include "server/server.h"

namespace {

using namespace shenbi;
using namespace shenbi::bench;
using gateway::CallPtr;
using gateway::EventSink;

struct Settings {
  int rounds = 200, tokens = 64, burst = 2000, pace_us = 1000, model_rounds = 9, threads = 0;
  std::string model;
};

// Makes `max_tokens` words on a thread of its own, as an engine does.
class Stub final : public gateway::Provider {
 public:
  ~Stub() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  std::atomic<int> pace_us{0};

  std::vector<gateway::ModelInfo> models() override { return {{.id = "stub"}}; }
  void prepare(const std::string&) override {}
  bool is_ready(const std::string&) override { return true; }  // chat() only queues
  CallPtr chat(chat::ChatRequest request, EventSink sink) override {
    {
      const std::lock_guard lock(mutex_);
      asked_.emplace_back(request.max_tokens.value_or(1), std::move(sink));
    }
    changed_.notify_one();
    return std::make_shared<NoCall>();
  }
  CallPtr complete(chat::CompletionRequest, EventSink) override { refuse(); }
  gateway::Embeddings embed(const gateway::EmbedRequest&, std::stop_token) override { refuse(); }
  std::vector<int32_t> tokenize(const std::string&, std::string_view, bool, bool) override { refuse(); }
  std::string detokenize(const std::string&, const std::vector<int32_t>&) override { refuse(); }
  std::pair<std::string, std::vector<int32_t>> prompt_of(const chat::ChatRequest&) override { refuse(); }

 private:
  struct NoCall final : gateway::Call {
    void cancel() override {}
  };
  [[noreturn]] static void refuse() { throw Error(Code::kUnsupported, "the stub only chats"); }

  void run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !asked_.empty(); });
      if (stopping_) return;
      const auto [tokens, sink] = std::move(asked_.front());
      asked_.pop_front();
      lock.unlock();
      answer(tokens, sink);
    }
  }
  void answer(uint64_t tokens, const EventSink& sink) const {
    sink({.kind = chat::Event::Kind::kStart, .model = "stub"});
    auto due = Clock::now();
    for (uint64_t i = 0; i < tokens; ++i) {
      if (i > 0 && pace_us > 0) std::this_thread::sleep_until(due += std::chrono::microseconds(pace_us));
      sink({.kind = chat::Event::Kind::kText, .text = " word", .tokens = 1});
    }
    chat::Event last{.kind = chat::Event::Kind::kFinish, .finish = chat::Finish::kLength};
    last.usage.completion_tokens = tokens;
    sink(std::move(last));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<uint64_t, EventSink>> asked_;
  bool stopping_ = false;
  std::thread thread_{[this] { run(); }};
};

// One answer, as the provider's door saw it.
struct Watched {
  int64_t entered_ns = 0, held_ns = 0;
  std::vector<int64_t> left_ns;  // of each token
};

class Watch final : public gateway::Provider {
 public:
  explicit Watch(std::shared_ptr<gateway::Provider> inner) : inner_(std::move(inner)) {}

  /// The last answer, when it has ended.
  Watched last() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_; });
    return last_;
  }
  std::vector<gateway::ModelInfo> models() override { return inner_->models(); }
  void prepare(const std::string& model) override { inner_->prepare(model); }
  bool is_ready(const std::string& model) override { return inner_->is_ready(model); }
  CallPtr chat(chat::ChatRequest request, EventSink sink) override {
    begin();
    return inner_->chat(std::move(request), [this, sink = std::move(sink)](chat::Event event) {
      const auto kind = event.kind;
      const int64_t begin = now_ns();
      sink(std::move(event));
      note(kind, begin);
    });
  }
  CallPtr complete(chat::CompletionRequest request, EventSink sink) override {
    return inner_->complete(std::move(request), std::move(sink));
  }
  gateway::Embeddings embed(const gateway::EmbedRequest& request, std::stop_token stop) override {
    return inner_->embed(request, std::move(stop));
  }
  std::vector<int32_t> tokenize(const std::string& model, std::string_view text, bool special, bool parse) override {
    return inner_->tokenize(model, text, special, parse);
  }
  std::string detokenize(const std::string& model, const std::vector<int32_t>& ids) override {
    return inner_->detokenize(model, ids);
  }
  std::pair<std::string, std::vector<int32_t>> prompt_of(const chat::ChatRequest& request) override {
    return inner_->prompt_of(request);
  }

 private:
  void begin() {
    const std::lock_guard lock(mutex_);
    last_ = {.entered_ns = now_ns(), .left_ns = {}};
    ended_ = false;
  }
  void note(chat::Event::Kind kind, int64_t begin) {
    const std::lock_guard lock(mutex_);
    if (kind == chat::Event::Kind::kText) {
      last_.left_ns.push_back(begin);
      last_.held_ns += now_ns() - begin;
    } else if (kind == chat::Event::Kind::kFinish || kind == chat::Event::Kind::kError) {
      ended_ = true;
      changed_.notify_all();
    }
  }

  std::shared_ptr<gateway::Provider> inner_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Watched last_;
  bool ended_ = true;
};

struct Read {
  int64_t sent_ns = 0;
  std::vector<int64_t> read_ns;  // of each token
};

// One streamed answer over a kept connection.
Read stream(int fd, const std::string& model, int tokens) {
  const std::string body = nlohmann::json{{"model", model},
                                          {"stream", true},
                                          {"max_tokens", tokens},
                                          {"temperature", 0},
                                          {"messages", {{{"role", "user"}, {"content", "Tell me a long story."}}}}}
                               .dump();
  Read out;
  out.sent_ns = now_ns();
  send_all(fd, fmt::format("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                           "Content-Length: {}\r\n\r\n{}",
                           body.size(), body));
  constexpr std::string_view kToken = R"("delta":{"content":")", kEnd = "\r\n0\r\n\r\n";
  std::string text;
  std::array<char, 65536> bytes{};
  size_t seen = 0;
  do {
    text += receive(fd, bytes);
    const int64_t now = now_ns();
    for (size_t at; (at = text.find(kToken, seen)) != text.npos; seen = at + kToken.size()) out.read_ns.push_back(now);
  } while (!text.ends_with(kEnd));
  if (!text.starts_with("HTTP/1.1 200")) throw Error(Code::kInternal, text.substr(0, 500));
  return out;
}

// The same answer without HTTP: ns a token behind the first, seen by whoever listens at the door.
double alone_ns(Watch& watch, const std::string& model, int tokens) {
  chat::ChatRequest request;
  request.model = model;
  request.max_tokens = static_cast<uint64_t>(tokens);
  request.sampling.temperature = 0;
  request.messages.push_back(
      chat::Message{.role = chat::Role::kUser, .parts = {chat::Part{.text = "Tell me a long story."}}});
  watch.chat(std::move(request), [](chat::Event) {});
  const Watched seen = watch.last();
  return static_cast<double>(seen.left_ns.back() - seen.left_ns.front()) / static_cast<double>(seen.left_ns.size() - 1);
}

struct Times {
  std::vector<double> first, delay, held, added;
  void print(const char* what) {
    fmt::print("{:<30} first token p50 {:6.1f} p99 {:6.1f}   delay p50 {:6.1f} p99 {:6.1f}   held p50 {:5.2f}", what,
               percentile(first, 0.5), percentile(first, 0.99), percentile(delay, 0.5), percentile(delay, 0.99),
               percentile(held, 0.5));
    if (!added.empty()) fmt::print("   a token longer by p50 {:5.2f}", percentile(added, 0.5));
    fmt::print(" us\n");
    std::fflush(stdout);
  }
};

Times measure(Watch& watch, int fd, const std::string& model, int tokens, int rounds, bool beside) {
  Times times;
  stream(fd, model, tokens);  // the first touches everything
  watch.last();
  for (int round = 0; round < rounds; ++round) {
    const double before = beside ? alone_ns(watch, model, tokens) : 0;
    const Read read = stream(fd, model, tokens);
    const Watched door = watch.last();
    const auto us = [](int64_t ns) { return 1e-3 * static_cast<double>(ns); };
    times.first.push_back(us((read.read_ns.at(0) - read.sent_ns) - (door.left_ns.at(0) - door.entered_ns)));
    const size_t count = std::min(read.read_ns.size(), door.left_ns.size());
    for (size_t i = 1; i < count; ++i) times.delay.push_back(us(read.read_ns[i] - door.left_ns[i]));
    times.held.push_back(us(door.held_ns) / static_cast<double>(door.left_ns.size()));
    if (!beside) continue;
    const double after = alone_ns(watch, model, tokens);
    const double with =
        static_cast<double>(read.read_ns.back() - read.read_ns.front()) / static_cast<double>(read.read_ns.size() - 1);
    times.added.push_back(1e-3 * (with - (before + after) / 2));
  }
  return times;
}

void run(const Settings& settings) {
  print_machine();
  const TemporaryFolder folder;
  server::ServeOptions options{.port = 0, .data = folder.path()};
  if (!settings.model.empty()) options.models = {settings.model};
  options.engine.max_sequences = 4;
  options.engine.threads = static_cast<uint32_t>(settings.threads);
  server::Server server(options);
  const auto stub = std::make_shared<Stub>();
  const auto local = server.state().provider;
  const auto watched_stub = std::make_shared<Watch>(stub), watched_local = std::make_shared<Watch>(local);
  server.state().provider = watched_stub;
  server.start();
  if (!settings.model.empty()) watched_local->prepare(settings.model);
  wake_promptly();  // the client: one on another machine would not wait for a core of this one
  const int fd = dial(server.port());
  stub->pace_us = settings.pace_us;
  measure(*watched_stub, fd, "stub", settings.tokens, settings.rounds, false)
      .print(fmt::format("stub, a token in {} us", settings.pace_us).c_str());
  stub->pace_us = 0;
  measure(*watched_stub, fd, "stub", settings.burst, std::max(1, settings.rounds / 4), true)
      .print(fmt::format("stub, {} tokens at once", settings.burst).c_str());
  if (!settings.model.empty()) {
    server.state().provider = watched_local;
    measure(*watched_local, fd, settings.model, settings.tokens, settings.model_rounds, true).print("engine");
  }
  ::close(fd);
  server.stop(std::chrono::seconds(1));
}

}  // namespace

int main(int count, char** arguments) {
  return run_main("http_cost", [&] {
    Settings settings;
    if (count >= 3 && std::string_view(arguments[count - 2]) == "--model") {
      settings.model = arguments[count - 1];
      count -= 2;
    }
    read_options(count, arguments,
                 {{"--rounds", &settings.rounds},
                  {"--tokens", &settings.tokens},
                  {"--burst", &settings.burst},
                  {"--pace-us", &settings.pace_us},
                  {"--model-rounds", &settings.model_rounds},
                  {"--threads", &settings.threads}});
    run(settings);
  });
}
