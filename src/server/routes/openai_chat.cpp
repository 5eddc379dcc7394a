// OpenAI's POST /v1/chat/completions and /v1/completions.

#include <algorithm>
#include <mutex>

#include "chat/dialect_openai.h"
#include "server/answering.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Event;

void chat_completions(RouteCall& call) {
  chat::OpenAiChat parsed = chat::parse_openai_chat(call.request.body);
  check_caller(call, parsed.request.model);
  parsed.request.tenant = call.caller.id;
  AnswerPlan plan{.stream = parsed.stream, .model = parsed.request.model};
  plan.writer = std::make_unique<chat::OpenAiChatWriter>(
      parsed, chat::AnswerHead{chat::new_answer_id("chatcmpl-"), parsed.request.model, seconds_now()});
  for (uint32_t i = 0; i < parsed.n; ++i) {
    chat::ChatRequest request = parsed.request;
    set_choice_seed(request.sampling, i);
    plan.starts.push_back([&state = call.state, request = std::move(request)](gateway::EventSink sink) {
      return state.provider->chat(request, std::move(sink));
    });
  }
  answer(call, std::move(plan));
}

// best_of: runs more answers than are wanted, keeps the events of each, and passes on the n whose tokens were most
// probable on average.
class BestOf {
 public:
  BestOf(uint32_t candidates, uint32_t wanted, std::vector<gateway::EventSink> sinks)
      : events_(candidates), scores_(candidates), wanted_(wanted), sinks_(std::move(sinks)) {}

  void take(uint32_t candidate, Event event) {
    std::lock_guard lock(mutex_);
    for (const chat::TokenLogprob& token :
         event.kind == Event::Kind::kPrompt ? std::vector<chat::TokenLogprob>() : event.logprobs) {
      scores_[candidate].sum += token.logprob;
      ++scores_[candidate].count;
    }
    const bool last = event.kind == Event::Kind::kFinish || event.kind == Event::Kind::kError;
    events_[candidate].push_back(std::move(event));
    if (!last || ++ended_ < events_.size()) return;
    std::vector<uint32_t> order(events_.size());
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return scores_[a].mean() > scores_[b].mean(); });
    for (uint32_t i = 0; i < wanted_; ++i) {
      for (Event& one : events_[order[i]]) sinks_[i](std::move(one));
    }
  }

 private:
  struct Score {
    double sum = 0;
    uint64_t count = 0;
    double mean() const { return count ? sum / static_cast<double>(count) : 0; }
  };
  std::mutex mutex_;
  std::vector<std::vector<Event>> events_;
  std::vector<Score> scores_;
  uint32_t wanted_;
  std::vector<gateway::EventSink> sinks_;
  size_t ended_ = 0;
};

class Calls final : public gateway::Call {
 public:
  void cancel() override {
    for (const auto& call : calls) call->cancel();
  }
  std::vector<gateway::CallPtr> calls;
};

gateway::CallPtr start_best_of(State& state, const chat::CompletionRequest& request, uint32_t best_of,
                               gateway::EventSink sink) {
  auto best = std::make_shared<BestOf>(best_of, 1, std::vector<gateway::EventSink>{std::move(sink)});
  auto calls = std::make_shared<Calls>();
  for (uint32_t i = 0; i < best_of; ++i) {
    chat::CompletionRequest one = request;
    one.logprobs = true;  // what the choice goes by
    set_choice_seed(one.sampling, i);
    calls->calls.push_back(
        state.provider->complete(std::move(one), [best, i](Event event) { best->take(i, std::move(event)); }));
  }
  return calls;
}

void completions(RouteCall& call) {
  chat::OpenAiCompletion parsed = chat::parse_openai_completion(call.request.body);
  const std::string model = parsed.requests.front().model;
  check_caller(call, model);
  if (parsed.best_of > parsed.n && parsed.n > 1) {
    throw Error(Code::kInvalidArgument, "best_of: with n above 1 it must equal n");
  }
  AnswerPlan plan{.stream = parsed.stream, .model = model};
  plan.writer = std::make_unique<chat::OpenAiCompletionWriter>(
      parsed, chat::AnswerHead{chat::new_answer_id("cmpl-"), model, seconds_now()});
  for (chat::CompletionRequest& one : parsed.requests) {
    one.tenant = call.caller.id;
    for (uint32_t i = 0; i < parsed.n; ++i) {
      chat::CompletionRequest request = one;
      set_choice_seed(request.sampling, i);
      const uint32_t best_of = parsed.best_of > parsed.n ? parsed.best_of : 1;
      plan.starts.push_back(
          [&state = call.state, request = std::move(request), best_of](gateway::EventSink sink) -> gateway::CallPtr {
            if (best_of > 1) return start_best_of(state, request, best_of, std::move(sink));
            return state.provider->complete(request, std::move(sink));
          });
    }
  }
  answer(call, std::move(plan));
}

}  // namespace

RouteList openai_chat() {
  return {Route::with_key(Face::kOpenAi, "POST", "/v1/chat/completions", Scope::kInfer, chat_completions),
          Route::with_key(Face::kOpenAi, "POST", "/v1/completions", Scope::kInfer, completions)};
}

}  // namespace shenbi::server::routes
