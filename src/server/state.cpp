#include "server/state.h"

#include "gateway/local.h"
#include "server/batches.h"
#include "server/conversations.h"
#include "server/files.h"
#include "server/prompts.h"
#include "server/running_answers.h"

namespace shenbi::server {

// Threads that may block: loads and long prompts at once, not a thread a connection.
constexpr int kWorkerThreads = 16;

State::State(const ServeOptions& o)
    : options(o),
      database(o.data / "shenbi.db"),
      keys(database, o.keys),
      responses(database),
      service(std::make_shared<engine::Service>(o.engine)),
      provider(gateway::make_local_provider(service, o.models)),
      conversations(std::make_unique<Conversations>(database)),
      prompts(std::make_unique<Prompts>(database)),
      files(std::make_unique<Files>(database, o.data / "files")),
      batches(std::make_unique<Batches>(database, *files)),
      running(std::make_unique<RunningAnswers>()),
      workers(kWorkerThreads) {}

State::~State() = default;

double wall_clock() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

namespace {

std::string_view finish_name(chat::Finish finish) {
  switch (finish) {
    case chat::Finish::kStop:
      return "stop";
    case chat::Finish::kLength:
      return "length";
    case chat::Finish::kToolCalls:
      return "tool_calls";
    case chat::Finish::kContentFilter:
      return "content_filter";
    case chat::Finish::kCancelled:
      return "abort";
    case chat::Finish::kError:
      return "error";
  }
  return "";
}

class Meter {
 public:
  Meter(State& state, Caller caller, std::string model) : state_(state), caller_(std::move(caller)) {
    figures_.model = std::move(model);
  }

  void see(const chat::Event& event) {
    const auto now = std::chrono::steady_clock::now();
    if (event.tokens > 0) {
      if (!any_) figures_.first_token_s = seconds(start_, now);
      // An event may stand for several tokens; each of them took its share.
      if (any_) state_.metrics.between_tokens(figures_.model, seconds(last_, now) / event.tokens);
      any_ = true;
      last_ = now;
    }
    if (event.kind != chat::Event::Kind::kFinish && event.kind != chat::Event::Kind::kError) return;
    figures_.total_s = seconds(start_, now);
    figures_.finish = event.kind == chat::Event::Kind::kError ? "error" : finish_name(event.finish);
    figures_.prompt_tokens = event.usage.prompt_tokens;
    figures_.cached_tokens = event.usage.cached_tokens;
    figures_.completion_tokens = event.usage.completion_tokens;
    state_.metrics.answer(figures_);
    const uint64_t tokens = figures_.prompt_tokens + figures_.completion_tokens;
    if (tokens > 0) {
      // The database is not for the thread that computes.
      state_.workers.run([&state = state_, caller = caller_, tokens] { state.keys.count_tokens(caller, tokens); });
    }
  }

 private:
  using Time = std::chrono::steady_clock::time_point;
  static double seconds(Time from, Time to) { return std::chrono::duration<double>(to - from).count(); }

  State& state_;
  Caller caller_;
  AnswerFigures figures_;
  Time start_ = std::chrono::steady_clock::now(), last_ = start_;
  bool any_ = false;
};

}  // namespace

gateway::EventSink measured(State& state, const Caller& caller, const std::string& model, gateway::EventSink sink) {
  auto meter = std::make_shared<Meter>(state, caller, state.service->real_name(model));
  return [meter, sink = std::move(sink)](chat::Event event) {
    meter->see(event);
    sink(std::move(event));
  };
}

}  // namespace shenbi::server
