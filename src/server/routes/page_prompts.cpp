// The page's saved prompts (docs/page-api.md).

#include <fmt/format.h>

#include "base/limits.h"
#include "chat/fields.h"
#include "server/page_json.h"
#include "server/prompts.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Fields;
using chat::OrderedJson;

OrderedJson prompt_json(const SavedPrompt& prompt) {
  return {{"id", prompt.id}, {"name", prompt.name}, {"content", prompt.content}, {"updated", prompt.updated}};
}

struct Written {
  std::string name, content;
};

Written written(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  Written prompt{.name = bounded_title(body.needed_text("name")), .content = body.needed_text("content")};
  body.end();
  if (prompt.name.empty()) throw Error(Code::kInvalidArgument, "name: is empty");
  if (prompt.content.empty()) throw Error(Code::kInvalidArgument, "content: is empty");
  if (prompt.content.size() > limits::kMaxSavedPromptBytes) {
    throw Error(Code::kInvalidArgument,
                fmt::format("content: {} bytes, at most {}", prompt.content.size(), limits::kMaxSavedPromptBytes));
  }
  return prompt;
}

void list_prompts(RouteCall& call) {
  OrderedJson all = OrderedJson::array();
  for (const SavedPrompt& prompt : call.state.prompts->list(call.caller.id)) all.push_back(prompt_json(prompt));
  send_json(call, 200, {{"prompts", all}});
}

void create_prompt(RouteCall& call) {
  const Written prompt = written(call);
  send_json(call, 201, prompt_json(call.state.prompts->create(call.caller.id, prompt.name, prompt.content)));
}

void change_prompt(RouteCall& call) {
  call.state.prompts->get(call.caller.id, call.path["id"]);  // the caller's own, or 404
  const Written prompt = written(call);
  send_json(call, 200,
            prompt_json(call.state.prompts->change(call.caller.id, call.path["id"], prompt.name, prompt.content)));
}

void remove_prompt(RouteCall& call) {
  call.state.prompts->remove(call.caller.id, call.path["id"]);
  call.exchange->send({.status = 204, .headers = {}, .body = {}});
}

}  // namespace

RouteList page_prompts() {
  const auto page = [](std::string_view method, std::string_view pattern, RouteHandler handler) {
    return Route::with_key(Face::kPage, method, pattern, Scope::kPage, std::move(handler));
  };
  return {page("GET", "/page/prompts", list_prompts), page("POST", "/page/prompts", create_prompt),
          page("PUT", "/page/prompts/{id}", change_prompt), page("DELETE", "/page/prompts/{id}", remove_prompt)};
}

}  // namespace shenbi::server::routes
