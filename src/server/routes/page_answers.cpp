// Asking from the page: questions and answers of a conversation, running answers (docs/page-api.md).

#include "base/limits.h"
#include "chat/fields.h"
#include "server/conversations.h"
#include "server/page_json.h"
#include "server/running_answers.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Fields;
using chat::OrderedJson;

chat::Message message_of(chat::Role role, const std::string& text) {
  chat::Message message{.role = role};
  message.parts.push_back({.kind = chat::Part::Kind::kText, .text = text});
  return message;
}

// The page's Params into a request.
void apply_params(Fields params, chat::ChatRequest& request) {
  constexpr double kLarge = 1e9;
  request.sampling.temperature = params.number("temperature", 0, 100);
  request.sampling.top_p = params.number("top_p", 0, 1);
  request.sampling.top_k = params.integer("top_k", 0, 1 << 30);
  request.sampling.min_p = params.number("min_p", 0, 1);
  request.sampling.repetition_penalty = params.number("repetition_penalty", 0, kLarge);
  request.sampling.frequency_penalty = params.number("frequency_penalty", -2, 2);
  request.sampling.presence_penalty = params.number("presence_penalty", -2, 2);
  if (const auto most = params.integer("max_tokens", 1, 1 << 30)) request.max_tokens = static_cast<uint64_t>(*most);
  if (const auto seed = params.integer("seed", 0, INT64_MAX)) request.sampling.seed = static_cast<uint64_t>(*seed);
  request.stop = params.texts("stop", limits::kMaxStopStrings);
  request.thinking = params.boolean("thinking");
  if (const auto system = params.text("system"); system && !system->empty()) {
    request.messages.insert(request.messages.begin(), message_of(chat::Role::kSystem, *system));
  }
  params.end();
}

chat::ChatRequest request_for(const std::string& model, const std::vector<StoredMessage>& path,
                              const OrderedJson& params) {
  chat::ChatRequest request;
  request.model = model;
  for (const StoredMessage& one : path) {
    request.messages.push_back(
        message_of(one.role == "user" ? chat::Role::kUser : chat::Role::kAssistant, one.content));
  }
  if (!params.is_null()) apply_params(Fields(params, "params"), request);
  return request;
}

// Stores an empty answer below `question` and starts to fill it.
StoredMessage start_answer(RouteCall& call, const StoredMessage& question, const std::string& model,
                           const OrderedJson& params) {
  call.state.keys.check_model(call.caller, model);
  call.state.keys.check_quota(call.caller);
  call.state.running->store_unsaved(*call.state.conversations);
  const auto path = call.state.conversations->path_to(call.caller.id, question.conversation, question.id);
  chat::ChatRequest request = request_for(model, path, params);
  request.tenant = call.caller.id;
  StoredMessage answer{.conversation = question.conversation, .parent = question.id, .role = "assistant"};
  answer.model = model;
  answer.status = "running";
  answer.params = params.is_null() ? "" : params.dump();
  answer = call.state.conversations->add(call.caller.id, std::move(answer));
  try {
    call.state.running->start(call.state, call.caller, answer, std::move(request));
  } catch (const Error& error) {
    // Kept as a failed answer, so that the question is not lost and the page can try again.
    answer.status = "failed";
    answer.error = error.what();
  }
  return answer;
}

void ask(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  StoredMessage question{.conversation = call.path["id"], .role = "user"};
  question.parent = body.text("parent").value_or("");
  question.content = body.needed_text("content");
  const std::string model = body.needed_text("model");
  const OrderedJson params = body.any("params");
  body.end();
  if (question.content.empty()) throw Error(Code::kInvalidArgument, "content: is empty");
  Conversations& all = *call.state.conversations;
  const StoredConversation conversation = all.get(call.caller.id, question.conversation);
  request_for(model, {}, params);  // wrong params are refused before anything is stored
  question = all.add(call.caller.id, std::move(question));
  if (conversation.title.empty()) {
    all.change(call.caller.id, conversation.id,
               {.title = title_of(question.content), .folder = {}, .leaf = {}, .pinned = {}});
  }
  const StoredMessage answer = start_answer(call, question, model, params);
  send_json(call, 201, {{"user", message_json(question)}, {"answer", message_json(answer)}});
}

void answer_again(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const std::string model = body.needed_text("model");
  const OrderedJson params = body.any("params");
  body.end();
  const StoredMessage question = call.state.conversations->message(call.caller.id, call.path["id"]);
  if (question.role != "user")
    throw Error(Code::kInvalidArgument, "this message is an answer: only questions are answered");
  request_for(model, {}, params);
  send_json(call, 201, {{"answer", message_json(start_answer(call, question, model, params))}});
}

void go_on(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const OrderedJson params = body.any("params");
  body.end();
  call.state.running->store_unsaved(*call.state.conversations);
  StoredMessage answer = call.state.conversations->message(call.caller.id, call.path["id"]);
  if (answer.role != "assistant") throw Error(Code::kInvalidArgument, "this message is no answer");
  if (answer.status == "running") throw Error(Code::kInvalidArgument, "this answer is still being written");
  const auto path = call.state.conversations->path_to(call.caller.id, answer.conversation, answer.id);
  chat::ChatRequest request = request_for(answer.model, path, params);
  request.continue_last = !answer.content.empty();
  if (!request.continue_last) request.messages.pop_back();
  request.tenant = call.caller.id;
  answer.status = "running";
  answer.finish.clear();
  answer.error.clear();
  call.state.conversations->save(answer);
  call.state.running->start(call.state, call.caller, answer, std::move(request));
  send_json(call, 200, {{"answer", message_json(answer)}});
}

// The reply waits for the stored message, no thread does: many stops at once leave workers to store what they end.
void stop_answer(RouteCall& call) {
  call.state.conversations->message(call.caller.id, call.path["id"]);  // the caller's own, or 404
  const auto reply = [exchange = call.exchange](const StoredMessage& message) {
    exchange->send(json_response(200, OrderedJson{{"message", message_json(message)}}.dump(
                                          -1, ' ', false, OrderedJson::error_handler_t::replace)));
  };
  if (call.state.running->stop(call.path["id"], reply)) return;
  reply(call.state.conversations->message(call.caller.id, call.path["id"]));
}

void stream(RouteCall& call) {
  const StoredMessage before = call.state.conversations->message(call.caller.id, call.path["id"]);
  if (call.state.running->attach(before.id, call.exchange)) return;
  // It has ended, perhaps a moment ago: read again.
  const StoredMessage message = call.state.conversations->message(call.caller.id, before.id);
  call.exchange->begin(200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}});
  call.exchange->write(page_event("snapshot", message_json(message)) + page_event("done", message_json(message)));
  call.exchange->end();
}

void estimate(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const std::string model = body.needed_text("model"), content = body.text("content").value_or("");
  const std::string conversation = body.text("conversation").value_or(""), parent = body.text("parent").value_or("");
  body.end();
  call.state.keys.check_model(call.caller, model);
  std::vector<StoredMessage> path;
  if (!conversation.empty()) path = call.state.conversations->path_to(call.caller.id, conversation, parent);
  path.push_back({.role = "user", .content = content});
  const auto prompt = call.state.provider->prompt_of(request_for(model, path, nullptr));
  const auto loaded = call.state.service->loaded(model);
  send_json(call, 200, {{"tokens", prompt.second.size()}, {"context", loaded ? loaded->context() : 0}});
}

}  // namespace

RouteList page_answers() {
  const auto page = [](std::string_view method, std::string_view pattern, RouteHandler handler) {
    return Route::with_key(Face::kPage, method, pattern, Scope::kPage, std::move(handler));
  };
  return {page("POST", "/page/conversations/{id}/ask", ask),   page("POST", "/page/messages/{id}/answer", answer_again),
          page("POST", "/page/messages/{id}/continue", go_on), page("POST", "/page/messages/{id}/stop", stop_answer),
          page("GET", "/page/messages/{id}/stream", stream),   page("POST", "/page/estimate", estimate)};
}

}  // namespace shenbi::server::routes
