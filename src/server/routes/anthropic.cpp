// Anthropic's POST /v1/messages and /v1/messages/count_tokens.

#include "chat/dialect_anthropic.h"

#include "server/answering.h"
#include "server/passing.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

Translation message_translation(const std::string& body) {
  chat::AnthropicMessages parsed = chat::parse_anthropic_messages(body);
  chat::ChatRequest request = parsed.request;
  return {std::move(request), [parsed = std::move(parsed)] {
            return std::make_unique<chat::AnthropicWriter>(
                parsed, chat::AnswerHead{chat::new_answer_id("msg_"), parsed.request.model, seconds_now()});
          }};
}

void messages(RouteCall& call) {
  if (pass(call,
           {.dialect = gateway::Dialect::kAnthropic, .model = {}, .stream = {}, .translate = message_translation}))
    return;
  chat::AnthropicMessages parsed = chat::parse_anthropic_messages(call.request.body);
  check_caller(call, parsed.request.model);
  parsed.request.tenant = call.caller.id;
  AnswerPlan plan{.stream = parsed.stream, .model = parsed.request.model};
  plan.writer = std::make_unique<chat::AnthropicWriter>(
      parsed, chat::AnswerHead{chat::new_answer_id("msg_"), parsed.request.model, seconds_now()});
  plan.starts.push_back([&state = call.state, request = parsed.request](gateway::EventSink sink) {
    return state.provider->chat(request, std::move(sink));
  });
  answer(call, std::move(plan));
}

// For whom signed thinking must be looked at.
Translation counting(const std::string& body) { return {chat::parse_anthropic_messages(body, true).request, {}}; }

void count_message_tokens(RouteCall& call) {
  if (pass_count(call, {.dialect = gateway::Dialect::kAnthropic, .model = {}, .stream = false, .translate = counting}))
    return;
  const chat::AnthropicMessages parsed = chat::parse_anthropic_messages(call.request.body, true);
  check_caller(call, parsed.request.model);
  const auto prompt = call.state.provider->prompt_of(parsed.request);
  call.exchange->send(json_response(200, chat::anthropic_token_count(prompt.second.size())));
}

}  // namespace

RouteList anthropic() {
  return {Route::with_key(Face::kAnthropic, "POST", "/v1/messages", Scope::kInfer, messages)
              .at_once_if(can_pass_at_once(gateway::Dialect::kAnthropic)),
          Route::with_key(Face::kAnthropic, "POST", "/v1/messages/count_tokens", Scope::kInfer, count_message_tokens)};
}

}  // namespace shenbi::server::routes
