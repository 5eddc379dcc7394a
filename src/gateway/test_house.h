#pragma once
// For tests of the gateway: houses that are played by the product's own HTTP server, and a router in front of them.

#include <gtest/gtest.h>

#include <condition_variable>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/folders.h"
#include "gateway/router.h"
#include "net/server.h"

namespace shenbi::gateway {

using namespace std::chrono_literals;
using chat::Event;

// A house that answers each request as the test says, and remembers what it was asked.
class MockHouse {
 public:
  using Answer = std::function<void(const net::ServerRequest&, const net::ExchangePtr&)>;

  /// `jobs`: GET and PUT are the test's too; else a GET is for a list of models that is not there.
  explicit MockHouse(Answer answer, bool jobs = false)
      : answer_(std::move(answer)), jobs_(jobs), server_({.threads = 1}, admit(), handle()) {
    server_.start();
  }
  ~MockHouse() { server_.stop(0ms); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()) + "/v1"; }
  std::vector<net::ServerRequest> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  net::HttpServer::Admit admit() {
    return [](const net::ServerRequest&) { return std::nullopt; };
  }
  net::HttpServer::Handle handle() {
    return [this](net::ServerRequest request, net::ExchangePtr exchange) {
      {
        std::lock_guard lock(mutex_);
        if (request.method == "POST" || jobs_) requests_.push_back(request);
      }
      if (request.method == "GET" && !jobs_) return exchange->send({.status = 404, .headers = {}, .body = "{}"});
      answer_(request, exchange);
    };
  }

  Answer answer_;
  const bool jobs_;
  mutable std::mutex mutex_;
  std::vector<net::ServerRequest> requests_;
  net::HttpServer server_;  // last: it calls the above
};

inline std::string chunk(const std::string& delta) {
  return R"(data: {"id":"x","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":)" + delta +
         "}]}\n\n";
}
inline const std::string kEnd =
    R"(data: {"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
    "\n\n"
    R"(data: {"id":"x","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9,"prompt_tokens_details":{"cached_tokens":3}}})"
    "\n\ndata: [DONE]\n\n";

inline void stream(const net::ExchangePtr& exchange, std::initializer_list<std::string> pieces) {
  exchange->begin(200, {{"Content-Type", "text/event-stream"}});
  for (const std::string& piece : pieces) exchange->write(piece);
  exchange->end();
}

inline MockHouse::Answer says(std::string text) {
  return [text](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(exchange, {chunk(nlohmann::json{{"content", text}}.dump()), kEnd});
  };
}

inline MockHouse::Answer fails(int status, net::Headers headers = {}) {
  return [status, headers](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send({.status = status, .headers = headers, .body = R"({"error":{"message":"not today"}})"});
  };
}

// What came through a sink, and a way to wait for its end.
class Heard {
 public:
  EventSink sink() {
    return [this](Event event) {
      std::lock_guard lock(mutex_);
      const bool last = event.kind == Event::Kind::kFinish || event.kind == Event::Kind::kError;
      events_.push_back(std::move(event));
      if (last) ended_ = true;
      changed_.notify_all();
    };
  }
  std::vector<Event> wait() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 60s, [&] { return ended_; })) << "no end";
    return events_;
  }
  void wait_for_text() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 60s, [&] {
      return std::any_of(events_.begin(), events_.end(), [](const Event& e) { return e.kind == Event::Kind::kText; });
    }));
  }
  std::string text() {
    std::string all;
    for (const Event& event : wait()) {
      if (event.kind == Event::Kind::kText) all += event.text;
    }
    return all;
  }
  Event last() { return wait().back(); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Event> events_;
  bool ended_ = false;
};

// The engine's place: knows one model and says so.
class Engine final : public Provider {
 public:
  std::vector<ModelInfo> models() override { return {{.id = "tiny", .owner = "local"}}; }
  void prepare(const std::string&) override {}
  CallPtr chat(chat::ChatRequest request, EventSink sink) override {
    if (request.model != "tiny") throw Error(Code::kNotFound, "no model '" + request.model + "'");
    sink({.kind = Event::Kind::kText, .text = "from the engine", .tokens = 1});
    sink({.kind = Event::Kind::kFinish, .usage = {.prompt_tokens = 1, .completion_tokens = 1}});
    struct Done final : Call {
      void cancel() override {}
    };
    return std::make_shared<Done>();
  }
  CallPtr complete(chat::CompletionRequest, EventSink) override { throw Error(Code::kUnsupported, "no"); }
  Embeddings embed(const EmbedRequest&, std::stop_token) override { return {}; }
  std::vector<int32_t> tokenize(const std::string&, std::string_view, bool, bool) override { return {1, 2}; }
  std::string detokenize(const std::string&, const std::vector<int32_t>&) override { return {}; }
  std::pair<std::string, std::vector<int32_t>> prompt_of(const chat::ChatRequest&) override { return {}; }
};

class RouterTest : public testing::Test {
 protected:
  void add(const std::string& name, const MockHouse& house, std::vector<std::string> models = {"m"},
           std::vector<std::string> keys = {"secret"}, int64_t priority = 0) {
    upstreams.put({.name = name,
                   .house = "compatible",
                   .base_url = house.url(),
                   .keys = std::move(keys),
                   .models = std::move(models),
                   .priority = priority,
                   .private_network = true});
  }
  Router& router() {
    if (!router_) {
      RouterOptions options;
      options.seed = 1;
      options.routes = &routes;
      options.admit = admit;
      options.remote = remote;
      options.on_attempt = [this](const Attempt& attempt) {
        std::lock_guard lock(mutex_);
        attempts_.push_back(attempt);
        filed_.notify_all();
      };
      router_ = std::make_unique<Router>(std::make_shared<Engine>(), upstreams, options);
    }
    return *router_;
  }
  std::vector<Attempt> attempts() {
    std::lock_guard lock(mutex_);
    return attempts_;
  }
  void wait_attempts(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(filed_.wait_for(lock, 60s, [&] { return attempts_.size() >= count; }));
    EXPECT_EQ(attempts_.size(), count);
  }
  static chat::ChatRequest ask(const std::string& model) {
    chat::ChatRequest request;
    request.model = model;
    request.tenant = "alice";
    request.messages.push_back({.role = chat::Role::kUser, .parts = {{.text = "hello"}}});
    return request;
  }

  TemporaryFolder folder;
  store::Database database{folder.path() / "db"};
  Upstreams upstreams{database};
  Routes routes{database};
  // Of the router, once it is made.
  std::function<uint64_t(const Attempt&, const Need&)> admit;
  RemoteOptions remote;

 private:
  std::mutex mutex_;
  std::condition_variable filed_;
  std::vector<Attempt> attempts_;
  std::unique_ptr<Router> router_;  // goes first: its last attempts still come in
};

}  // namespace shenbi::gateway
