// OpenAI's POST /v1/responses, and the stored ones: fetch, delete, go on with.

#include <fmt/format.h>

#include "chat/dialect_responses.h"
#include "chat/fields.h"
#include "server/answering.h"
#include "server/page_json.h"
#include "server/state.h"
#include "server/stored_responses.h"

namespace shenbi::server::routes {
namespace {

using chat::OrderedJson;

// "input" as a list: a text alone is one message of the user.
OrderedJson input_list(const OrderedJson& input) {
  if (!input.is_string()) return input;
  return OrderedJson::array({{{"type", "message"}, {"role", "user"}, {"content", input}}});
}

// What was said before, put in front of the new input: the dialect itself knows of no store.
struct Continued {
  OrderedJson body, input;
  std::string previous;
  bool store = true;
};

Continued take_store_fields(RouteCall& call) {
  Continued c{.body = chat::parse_body(call.request.body)};
  const auto take = [&](const char* name) {
    OrderedJson value;
    if (const auto found = c.body.find(name); found != c.body.end()) {
      value = *found;
      c.body.erase(found);
    }
    return value;
  };
  const OrderedJson store = take("store"), previous = take("previous_response_id");
  if (!store.is_null() && !store.is_boolean()) throw Error(Code::kInvalidArgument, "store: expected true or false");
  if (!previous.is_null() && !previous.is_string())
    throw Error(Code::kInvalidArgument, "previous_response_id: expected a string");
  c.store = store.is_null() || store.get<bool>();
  if (c.body.contains("input")) c.input = input_list(c.body["input"]);
  if (previous.is_string()) {
    c.previous = previous.get<std::string>();
    const auto before = call.state.responses.get(call.caller.id, c.previous);
    OrderedJson whole = before.input;
    for (const OrderedJson& item : before.response.at("output")) whole.push_back(item);
    for (const OrderedJson& item : c.input) whole.push_back(item);
    c.input = std::move(whole);
  }
  if (c.input.is_array()) c.body["input"] = c.input;
  return c;
}

void create_response(RouteCall& call) {
  const Continued continued = take_store_fields(call);
  chat::OpenAiResponses parsed = chat::parse_openai_responses(continued.body.dump());
  check_caller(call, parsed.request.model);
  mark_caller(call, parsed.request);
  parsed.echo["store"] = continued.store;
  parsed.echo["previous_response_id"] = continued.previous.empty() ? OrderedJson() : OrderedJson(continued.previous);
  const std::string id = chat::new_answer_id("resp_");
  AnswerPlan plan{.stream = parsed.stream, .model = parsed.request.model};
  plan.writer =
      std::make_unique<chat::OpenAiResponsesWriter>(parsed, chat::AnswerHead{id, parsed.request.model, seconds_now()});
  if (continued.store) {
    plan.after = [&state = call.state, owner = call.caller.id, id,
                  input = continued.input](const chat::AnswerWriter& writer) {
      if (writer.status() != 200) return;
      // The answer is complete only when it is stored: whoever has it may go on with it at once.
      state.responses.add(owner, id, {.response = OrderedJson::parse(writer.body()), .input = input});
    };
  }
  plan.starts.push_back([&state = call.state, request = parsed.request](gateway::EventSink sink) {
    return state.provider->chat(request, std::move(sink));
  });
  answer(call, std::move(plan));
}

// How long the prompt of such a request is.
void input_tokens(RouteCall& call) {
  const chat::OpenAiResponses parsed = chat::parse_openai_responses(take_store_fields(call).body.dump());
  check_caller(call, parsed.request.model);
  const auto prompt = call.state.provider->prompt_of(parsed.request);
  send_json(call, 200, {{"object", "response.input_tokens"}, {"input_tokens", prompt.second.size()}});
}

void show_response(RouteCall& call) {
  send_json(call, 200, call.state.responses.get(call.caller.id, call.path["id"]).response);
}

void remove_response(RouteCall& call) {
  call.state.responses.remove(call.caller.id, call.path["id"]);
  send_json(call, 200, {{"id", call.path["id"]}, {"object", "response.deleted"}, {"deleted", true}});
}

void input_items(RouteCall& call) {
  OrderedJson items = call.state.responses.get(call.caller.id, call.path["id"]).input;
  const auto name = [](const OrderedJson& item) { return item.value("id", ""); };
  const std::string first = items.empty() ? "" : name(items.front()), last = items.empty() ? "" : name(items.back());
  send_json(call, 200,
            {{"object", "list"}, {"data", items}, {"first_id", first}, {"last_id", last}, {"has_more", false}});
}

}  // namespace

RouteList openai_responses() {
  const auto with = [](std::string_view method, std::string_view pattern, RouteHandler handler) {
    return Route::with_key(Face::kOpenAi, method, pattern, Scope::kInfer, std::move(handler));
  };
  return {with("POST", "/v1/responses", create_response), with("POST", "/v1/responses/input_tokens", input_tokens),
          with("GET", "/v1/responses/{id}", show_response), with("DELETE", "/v1/responses/{id}", remove_response),
          with("GET", "/v1/responses/{id}/input_items", input_items)};
}

}  // namespace shenbi::server::routes
