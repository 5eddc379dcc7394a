// How an answer gets from the thread that makes it to the client: whole, in order, and without that thread waiting.

#include "server/answering.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/computing_thread.h"
#include "base/error.h"
#include "net/test_client.h"
#include "server/state.h"
#include "server/testing.h"

namespace shenbi::server {
namespace {

using namespace testing;
using chat::Event;

// Answers with as many words as `max_tokens` says, on a thread that computes, as the engine does.
class Computer final : public gateway::Provider {
 public:
  explicit Computer(std::string word = "word") : word_(std::move(word)) {}
  ~Computer() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  std::vector<gateway::ModelInfo> models() override { return {{.id = "m"}}; }
  void prepare(const std::string&) override {}
  bool is_ready(const std::string&) override {
    looked_on = std::this_thread::get_id();
    return ready;
  }
  gateway::CallPtr chat(chat::ChatRequest request, gateway::EventSink sink) override {
    if (request.messages.empty()) throw Error(Code::kInvalidArgument, "messages: at least one is needed");
    asked_on = std::this_thread::get_id();
    const auto call = std::make_shared<Task>(*this);
    {
      const std::lock_guard lock(mutex_);
      call->words = request.max_tokens.value_or(1);
      call->sink = std::move(sink);
      tasks_.push_back(call);
    }
    changed_.notify_all();
    return call;
  }
  gateway::CallPtr complete(chat::CompletionRequest, gateway::EventSink) override { refuse(); }
  gateway::Embeddings embed(const gateway::EmbedRequest&, std::stop_token) override { refuse(); }
  std::vector<int32_t> tokenize(const std::string&, std::string_view, bool, bool) override { refuse(); }
  std::string detokenize(const std::string&, const std::vector<int32_t>&) override { refuse(); }
  std::pair<std::string, std::vector<int32_t>> prompt_of(const chat::ChatRequest&) override { refuse(); }

  /// Waits until an answer was cut off and its last word is told: the server that hears it must still be there.
  void wait_for_cancel() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return cancelled_ > 0 && answered_ > 0; });
  }

  std::atomic<bool> ready{true};
  std::atomic<std::thread::id> looked_on, asked_on;

 private:
  struct Task final : gateway::Call {
    explicit Task(Computer& o) : owner(o) {}
    void cancel() override {
      {
        const std::lock_guard lock(owner.mutex_);
        cancelled = true;
        ++owner.cancelled_;
      }
      owner.changed_.notify_all();
    }
    Computer& owner;
    uint64_t words = 0;
    gateway::EventSink sink;
    std::atomic<bool> cancelled = false;
  };
  [[noreturn]] static void refuse() { throw Error(Code::kUnsupported, "it only chats"); }

  void run() {
    this_thread_computes = true;
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || !tasks_.empty(); });
      if (stopping_) return;
      const auto task = tasks_.front();
      tasks_.pop_front();
      lock.unlock();
      answer(*task);
      lock.lock();
      ++answered_;
      changed_.notify_all();
    }
  }
  void answer(Task& task) const {
    task.sink({.kind = Event::Kind::kStart, .model = "m"});
    for (uint64_t i = 0; i < task.words && !task.cancelled; ++i) {
      task.sink({.kind = Event::Kind::kText, .text = word_ + std::to_string(i) + " ", .tokens = 1});
    }
    Event last{.kind = Event::Kind::kFinish,
               .finish = task.cancelled ? chat::Finish::kCancelled : chat::Finish::kLength};
    last.usage.completion_tokens = task.words;
    task.sink(std::move(last));
    task.sink = nullptr;  // it holds the answer, and that the call
  }

  const std::string word_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Task>> tasks_;
  int cancelled_ = 0, answered_ = 0;
  bool stopping_ = false;
  std::thread thread_{[this] { run(); }};
};

struct Desk {
  explicit Desk(std::string word = "word") : computer(std::make_shared<Computer>(std::move(word))) {
    server.state().provider = computer;
  }
  // The model ends with the server, as the engine does: its last answer is told to a server that is there.
  ~Desk() { computer = nullptr; }
  nlohmann::ordered_json request(int words, bool stream) const {
    return {{"model", "m"},
            {"stream", stream},
            {"max_tokens", words},
            {"messages", {{{"role", "user"}, {"content", "Count."}}}}};
  }
  std::shared_ptr<Computer> computer;
  TestServer server;
};

std::string counted(int words) {
  std::string text;
  for (int i = 0; i < words; ++i) text += "word" + std::to_string(i) + " ";
  return text;
}

// The text of an event stream of OpenAI's.
std::string text_of(const std::string& stream) {
  std::string text;
  for (size_t at = 0, end = 0; (at = stream.find("data: {", end)) != std::string::npos;) {
    end = stream.find("\n\n", at);
    const auto event = nlohmann::json::parse(stream.substr(at + 6, end - at - 6));
    for (const auto& choice : event["choices"]) text += choice["delta"].value("content", "");
  }
  return text;
}

TEST(Answering, a_stream_of_a_thread_that_computes_arrives_whole_and_in_order) {
  Desk desk;
  for (const int words : {1, 2, 63, 64, 65, 5000}) {
    const Answer answer = desk.server.send("POST", "/v1/chat/completions", desk.request(words, true));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(text_of(answer.body), counted(words));
    EXPECT_TRUE(answer.body.ends_with("data: [DONE]\n\n"));
    EXPECT_EQ(answer.body.find("\"role\":\"assistant\""), answer.body.rfind("\"role\":\"assistant\""));
  }
}

TEST(Answering, a_whole_answer_of_a_thread_that_computes) {
  Desk desk;
  const Answer answer = desk.server.send("POST", "/v1/chat/completions", desk.request(200, false));
  EXPECT_EQ(answer.json()["choices"][0]["message"]["content"], counted(200));
}

TEST(Answering, a_plain_request_to_a_model_in_memory_is_handled_where_it_was_read) {
  Desk desk;
  const auto ask = [&](const nlohmann::ordered_json& more) {
    auto request = desk.request(1, true);
    if (!more.is_null()) request.update(more);
    EXPECT_EQ(desk.server.send("POST", "/v1/chat/completions", request).status, 200);
    return desk.computer->asked_on.load() == desk.computer->looked_on.load();
  };
  EXPECT_TRUE(ask({}));
  EXPECT_FALSE(ask({{"response_format", {{"type", "json_object"}}}}));
  EXPECT_FALSE(ask({{"messages", {{{"role", "user"}, {"content", std::string(10'000, 'x')}}}}}));
  EXPECT_TRUE(ask({{"temperature", 0}}));
  desk.computer->ready = false;
  EXPECT_FALSE(ask({}));
}

TEST(Answering, what_a_handler_throws_on_the_loop_is_answered_in_its_words) {
  Desk desk;
  auto request = desk.request(1, true);
  request["messages"] = nlohmann::ordered_json::array();
  const Answer answer = desk.server.send("POST", "/v1/chat/completions", request);
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.json()["error"]["message"].get<std::string>().find("messages"), std::string::npos);
}

TEST(Answering, a_client_that_does_not_read_is_cut_off_and_the_answer_with_it) {
  Desk desk(std::string(8192, 'w'));
  net::testing::Client client(desk.server.server->port(), 4096);
  const std::string body = desk.request(1'000'000, true).dump();
  client.send(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  desk.computer->wait_for_cancel();  // eight gigabytes otherwise
}

}  // namespace
}  // namespace shenbi::server
