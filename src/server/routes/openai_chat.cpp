// OpenAI's POST /v1/chat/completions and /v1/completions.

#include "chat/dialect_openai.h"
#include "chat/fields.h"
#include "server/answering.h"
#include "server/passing.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

Translation chat_translation(const std::string& body) {
  chat::OpenAiChat parsed = chat::parse_openai_chat(body);
  if (parsed.n != 1) chat::refuse_field("n", "of this model's upstreams not every one gives several answers at once");
  chat::ChatRequest request = parsed.request;
  return {std::move(request), [parsed = std::move(parsed)] {
            return std::make_unique<chat::OpenAiChatWriter>(
                parsed, chat::AnswerHead{chat::new_answer_id("chatcmpl-"), parsed.request.model, seconds_now()});
          }};
}

void chat_completions(RouteCall& call) {
  if (pass(call, {.dialect = gateway::Dialect::kOpenAi, .model = {}, .stream = {}, .translate = chat_translation}))
    return;
  chat::OpenAiChat parsed = chat::parse_openai_chat(call.request.body);
  check_caller(call, parsed.request.model);
  mark_caller(call, parsed.request);
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

void completions(RouteCall& call) {
  chat::OpenAiCompletion parsed = chat::parse_openai_completion(call.request.body);
  const std::string model = parsed.requests.front().model;
  check_caller(call, model);
  AnswerPlan plan{.stream = parsed.stream, .model = model};
  plan.writer = std::make_unique<chat::OpenAiCompletionWriter>(
      parsed, chat::AnswerHead{chat::new_answer_id("cmpl-"), model, seconds_now()});
  for (chat::CompletionRequest& one : parsed.requests) {
    mark_caller(call, one);
    for (uint32_t i = 0; i < parsed.n; ++i) {
      chat::CompletionRequest request = one;
      set_choice_seed(request.sampling, i);
      plan.starts.push_back([&state = call.state, request = std::move(request)](gateway::EventSink sink) {
        return state.provider->complete(request, std::move(sink));
      });
    }
  }
  answer(call, std::move(plan));
}

}  // namespace

RouteList openai_chat() {
  return {Route::with_key(Face::kOpenAi, "POST", "/v1/chat/completions", Scope::kInfer, chat_completions)
              .at_once_if(can_pass_at_once(gateway::Dialect::kOpenAi)),
          Route::with_key(Face::kOpenAi, "POST", "/v1/completions", Scope::kInfer, completions)
              .at_once_if(can_answer_at_once)};
}

}  // namespace shenbi::server::routes
