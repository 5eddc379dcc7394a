// The page's list of conversations and its folders (docs/page-api.md).

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/limits.h"
#include "base/log.h"
#include "base/version.h"
#include "chat/fields.h"
#include "server/conversations.h"
#include "server/page_json.h"
#include "server/running_answers.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Fields;
using chat::OrderedJson;

// How long a deleted conversation can be brought back.
constexpr double kUndoSeconds = 600;

// Beyond any time in seconds and any number of rows, and whole in an integer.
constexpr double kMostNumber = 1e15;

double number_parameter(const RouteCall& call, std::string_view name, double otherwise) {
  const auto text = call.request.parameter(name);
  if (!text || text->empty()) return otherwise;
  double value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || !(std::abs(value) <= kMostNumber)) {
    throw Error(Code::kInvalidArgument, fmt::format("{}: '{}' is no number", name, *text));
  }
  return value;
}

void config(RouteCall& call) {
  OrderedJson models = OrderedJson::array();
  const bool open = !call.state.keys.required();
  const auto caller = call.state.keys.check(key_of(call.request), Scope::kPage).caller;
  const bool known = open || caller.has_value();
  if (caller) call.caller = *caller;
  if (known) {
    for (const gateway::ModelInfo& model : visible_models(call)) models.push_back(model_json(model));
  }
  send_json(call, 200, {{"version", kVersion}, {"needs_key", !open}, {"models", models}});
}

// Deleting for good can wait for a later look; looking must work while nothing can be written.
void purge(RouteCall& call) {
  try {
    call.state.conversations->purge(kUndoSeconds);
  } catch (const Error& error) {
    log_warn("deleted conversations stay for now: {}", error.what());
  }
}

void list_conversations(RouteCall& call) {
  purge(call);
  const Conversations::Filter filter{.text = call.request.parameter("q").value_or(""),
                                     .folder = call.request.parameter("folder").value_or(""),
                                     .before = number_parameter(call, "before", 0),
                                     .limit = static_cast<int64_t>(number_parameter(call, "limit", 100))};
  OrderedJson all = OrderedJson::array();
  for (const auto& one : call.state.conversations->list(call.caller.id, filter)) all.push_back(summary_json(one));
  send_json(call, 200, {{"conversations", all}});
}

OrderedJson whole(RouteCall& call, const StoredConversation& conversation) {
  OrderedJson json = summary_json(conversation);
  json["leaf"] = conversation.leaf.empty() ? OrderedJson() : OrderedJson(conversation.leaf);
  OrderedJson messages = OrderedJson::array();
  for (const StoredMessage& one : call.state.conversations->messages(call.caller.id, conversation.id)) {
    const auto running = call.state.running->current(one.id);
    messages.push_back(message_json(running ? *running : one));
  }
  json["messages"] = std::move(messages);
  return json;
}

void create_conversation(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const auto title = body.text("title").value_or(""), folder = body.text("folder").value_or("");
  body.end();
  send_json(call, 201, whole(call, call.state.conversations->create(call.caller.id, bounded_title(title), folder)));
}

void show_conversation(RouteCall& call) {
  call.state.running->store_unsaved(*call.state.conversations);
  send_json(call, 200, whole(call, call.state.conversations->get(call.caller.id, call.path["id"])));
}

void change_conversation(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  Conversations::Change change;
  if (const auto title = body.text("title")) change.title = bounded_title(*title);
  if (body.mentions("folder")) change.folder = body.text("folder").value_or("");
  change.pinned = body.boolean("pinned");
  change.leaf = body.text("leaf");
  body.end();
  send_json(call, 200, summary_json(call.state.conversations->change(call.caller.id, call.path["id"], change)));
}

void remove_conversation(RouteCall& call) {
  call.state.conversations->remove(call.caller.id, call.path["id"]);
  call.exchange->send({.status = 204, .headers = {}, .body = {}});
}

void restore(RouteCall& call) {
  call.state.conversations->restore(call.caller.id, call.path["id"]);
  send_json(call, 200, summary_json(call.state.conversations->get(call.caller.id, call.path["id"])));
}

OrderedJson folder_json(const StoredFolder& folder) {
  return {{"id", folder.id}, {"name", folder.name}, {"count", folder.count}};
}

std::string folder_name(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const std::string name = bounded_title(body.needed_text("name"));
  body.end();
  if (name.empty()) throw Error(Code::kInvalidArgument, "name: is empty");
  return name;
}

void folders(RouteCall& call) {
  OrderedJson all = OrderedJson::array();
  for (const auto& folder : call.state.conversations->folders(call.caller.id)) all.push_back(folder_json(folder));
  send_json(call, 200, {{"folders", all}});
}

void create_folder(RouteCall& call) {
  send_json(call, 201, folder_json(call.state.conversations->create_folder(call.caller.id, folder_name(call))));
}

void rename_folder(RouteCall& call) {
  call.state.conversations->rename_folder(call.caller.id, call.path["id"], folder_name(call));
  folders(call);
}

void remove_folder(RouteCall& call) {
  call.state.conversations->remove_folder(call.caller.id, call.path["id"]);
  call.exchange->send({.status = 204, .headers = {}, .body = {}});
}

}  // namespace

RouteList page_conversations() {
  const auto page = [](std::string_view method, std::string_view pattern, RouteHandler handler) {
    return Route::with_key(Face::kPage, method, pattern, Scope::kPage, std::move(handler));
  };
  return {Route::open(Face::kPage, "GET", "/page/config", config),
          page("GET", "/page/conversations", list_conversations),
          page("POST", "/page/conversations", create_conversation),
          page("GET", "/page/conversations/{id}", show_conversation),
          page("PATCH", "/page/conversations/{id}", change_conversation),
          page("DELETE", "/page/conversations/{id}", remove_conversation),
          page("POST", "/page/conversations/{id}/restore", restore),
          page("GET", "/page/folders", folders),
          page("POST", "/page/folders", create_folder),
          page("PATCH", "/page/folders/{id}", rename_folder),
          page("DELETE", "/page/folders/{id}", remove_folder)};
}

}  // namespace shenbi::server::routes
