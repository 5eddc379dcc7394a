// Export and import of the page's conversations (docs/page-api.md).

#include <map>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "server/page_json.h"
#include "server/state.h"
#include "server/transfer.h"

namespace shenbi::server::routes {
namespace {

using chat::OrderedJson;

constexpr int64_t kAll = 1000;  // conversations a page of the list

std::vector<StoredConversation> all_conversations(RouteCall& call) {
  std::vector<StoredConversation> all;
  Conversations::Filter filter{.text = {}, .folder = {}, .before = 0, .limit = kAll};
  for (;;) {
    auto page = call.state.conversations->list(call.caller.id, filter);
    all.insert(all.end(), page.begin(), page.end());
    if (page.size() < static_cast<size_t>(kAll)) return all;
    filter.before = page.back().updated;
  }
}

void export_all(RouteCall& call) {
  Conversations& store = *call.state.conversations;
  const auto one = call.request.parameter("conversation");
  const auto format = call.request.parameter("format").value_or("json");
  if (format != "json" && format != "markdown") throw Error(Code::kInvalidArgument, "format: json or markdown");
  if (format == "markdown") {
    if (!one) throw Error(Code::kInvalidArgument, "conversation: Markdown is for one conversation");
    const auto conversation = store.get(call.caller.id, *one);
    return call.exchange->send(
        {.status = 200,
         .headers = {{"Content-Type", "text/markdown; charset=utf-8"},
                     {"Content-Disposition", "attachment; filename=\"conversation.md\""}},
         .body = export_markdown(conversation, store.path_to(call.caller.id, conversation.id, conversation.leaf))});
  }
  OrderedJson folders = OrderedJson::array(), list = OrderedJson::array();
  std::map<std::string, std::string> names;
  for (const StoredFolder& folder : store.folders(call.caller.id)) {
    names[folder.id] = folder.name;
    folders.push_back({{"name", folder.name}});
  }
  const auto wanted = one ? std::vector{store.get(call.caller.id, *one)} : all_conversations(call);
  for (const StoredConversation& conversation : wanted) {
    list.push_back(
        export_json(conversation, names[conversation.folder], store.messages(call.caller.id, conversation.id)));
  }
  const OrderedJson json = {{"shenbi", 1}, {"folders", folders}, {"conversations", list}};
  auto response = json_response(200, json.dump(1, ' ', false, OrderedJson::error_handler_t::replace));
  response.headers.emplace_back("Content-Disposition", "attachment; filename=\"shenbi.json\"");
  call.exchange->send(std::move(response));
}

// Whose messages lie in one object by their ids: more keys than an object of a request may have.
OrderedJson parse_file(std::string_view text) {
  try {
    return parse_ordered_json(text, "import", static_cast<int>(limits::kMaxRequestDepth), limits::kMaxImportMessages);
  } catch (const Error& error) {
    throw Error(Code::kInvalidArgument, error.what());
  }
}

void import(RouteCall& call) {
  Conversations& store = *call.state.conversations;
  Imported imported = read_export(parse_file(call.request.body));
  std::map<std::string, std::string> folder_ids;
  for (const StoredFolder& folder : store.folders(call.caller.id)) folder_ids.emplace(folder.name, folder.id);
  size_t messages = 0;
  for (Imported::One& one : imported.conversations) {
    if (std::string& folder = one.conversation.folder; !folder.empty()) {
      const std::string name = bounded_title(folder);
      if (!folder_ids.contains(name)) folder_ids[name] = store.create_folder(call.caller.id, name).id;
      folder = folder_ids[name];
    }
    messages += one.messages.size();
    store.import(call.caller.id, std::move(one.conversation), std::move(one.messages));
  }
  OrderedJson skipped = OrderedJson::array();
  for (const auto& one : imported.skipped) skipped.push_back({{"what", one.what}, {"why", one.why}});
  send_json(call, 200,
            {{"conversations", imported.conversations.size()}, {"messages", messages}, {"skipped", skipped}});
}

}  // namespace

RouteList page_transfer() {
  return {Route::with_key(Face::kPage, "GET", "/page/export", Scope::kPage, export_all),
          Route::with_key(Face::kPage, "POST", "/page/import", Scope::kPage, import)};
}

}  // namespace shenbi::server::routes
