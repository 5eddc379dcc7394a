#include "server/transfer.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/error.h"
#include "server/page_json.h"
#include "server/running_answers.h"

namespace shenbi::server {

using chat::OrderedJson;

namespace {

std::string text_in(const OrderedJson& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

double number_in(const OrderedJson& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

// Seconds, whatever the writer counted in.
double seconds(double time) { return time > 1e11 ? time / 1000 : time; }

void require(bool holds, std::string_view why) {
  if (!holds) throw Error(Code::kInvalidArgument, std::string(why));
}

// Parents must be messages of the same conversation and lead to a first one; parents come before their children in the
// result.
std::vector<StoredMessage> ordered(std::vector<StoredMessage> messages) {
  std::unordered_set<std::string> all, placed;
  for (const StoredMessage& one : messages) {
    require(!one.id.empty() && all.insert(one.id).second, "a message has no id of its own");
  }
  for (StoredMessage& one : messages) {
    if (!all.contains(one.parent)) one.parent.clear();
  }
  std::vector<StoredMessage> out;
  while (out.size() < messages.size()) {
    const size_t before = out.size();
    for (const StoredMessage& one : messages) {
      if (placed.contains(one.id) || (!one.parent.empty() && !placed.contains(one.parent))) continue;
      placed.insert(one.id);
      out.push_back(one);
    }
    require(out.size() > before, "its messages form a circle");
  }
  return out;
}

// --- our own ---

Imported::One own(const OrderedJson& c) {
  Imported::One one;
  one.conversation = {.id = {},
                      .title = text_in(c, "title"),
                      .folder = text_in(c, "folder"),
                      .leaf = text_in(c, "leaf"),
                      .pinned = c.value("pinned", false),
                      .created = number_in(c, "created"),
                      .updated = number_in(c, "updated"),
                      .messages = 0,
                      .snippet = {}};
  for (const OrderedJson& m : c.at("messages")) {
    StoredMessage message{.id = text_in(m, "id"),
                          .conversation = {},
                          .parent = text_in(m, "parent"),
                          .role = text_in(m, "role"),
                          .content = text_in(m, "content"),
                          .thinking = text_in(m, "thinking"),
                          .model = text_in(m, "model")};
    message.created = number_in(m, "created");
    message.status = text_in(m, "status");
    message.error = text_in(m, "error");
    message.finish = text_in(m, "finish");
    for (const auto& [name, field] :
         {std::pair{"usage", &message.usage}, {"warnings", &message.warnings}, {"params", &message.params}}) {
      if (const auto found = m.find(name); found != m.end() && !found->is_null()) *field = found->dump();
    }
    one.messages.push_back(std::move(message));
  }
  return one;
}

// --- ChatGPT: {"title", "create_time", "mapping": {id: {"message", "parent"}}, "current_node"} ---

std::string chatgpt_text(const OrderedJson& content) {
  std::string text;
  if (const auto parts = content.find("parts"); parts != content.end() && parts->is_array()) {
    for (const OrderedJson& part : *parts) {
      if (part.is_string()) text += part.get<std::string>();
    }
  }
  return text;
}

Imported::One chatgpt(const OrderedJson& c) {
  Imported::One one;
  one.conversation.title = text_in(c, "title");
  one.conversation.created = number_in(c, "create_time");
  one.conversation.updated = number_in(c, "update_time");
  const OrderedJson& mapping = c.at("mapping");
  require(mapping.is_object(), "'mapping' is no object");
  const auto shown = [](const OrderedJson& node) {
    const auto message = node.find("message");
    if (message == node.end() || !message->is_object()) return false;
    const std::string role = message->contains("author") ? text_in((*message)["author"], "role") : "";
    return (role == "user" || role == "assistant") && message->contains("content") &&
           !chatgpt_text((*message)["content"]).empty();
  };
  // Nodes that are not shown (system, tools, empty ones) are stepped over on the way up.
  const auto visible = [&](std::string id) {
    for (size_t steps = 0; steps <= mapping.size(); ++steps) {
      const auto node = mapping.find(id);
      if (node == mapping.end()) return std::string();
      if (shown(*node)) return id;
      id = text_in(*node, "parent");
    }
    return std::string();
  };
  for (const auto& [id, node] : mapping.items()) {
    if (!node.is_object() || !shown(node)) continue;
    const OrderedJson& message = node["message"];
    StoredMessage stored{.id = id,
                         .conversation = {},
                         .parent = visible(text_in(node, "parent")),
                         .role = text_in(message["author"], "role"),
                         .content = chatgpt_text(message["content"])};
    stored.created = number_in(message, "create_time");
    if (const auto data = message.find("metadata"); data != message.end() && data->is_object())
      stored.model = text_in(*data, "model_slug");
    one.messages.push_back(std::move(stored));
  }
  one.conversation.leaf = visible(text_in(c, "current_node"));
  return one;
}

// --- Open WebUI: {"title", "chat": {"title", "history": {"messages": {id: {...}}, "currentId"}}} ---

Imported::One open_webui(const OrderedJson& c) {
  Imported::One one;
  const OrderedJson& chat = c.at("chat");
  one.conversation.title = text_in(c, "title").empty() ? text_in(chat, "title") : text_in(c, "title");
  one.conversation.pinned = c.contains("pinned") && c["pinned"].is_boolean() && c["pinned"].get<bool>();
  one.conversation.created = seconds(number_in(c, "created_at"));
  one.conversation.updated = seconds(number_in(c, "updated_at"));
  const OrderedJson& history = chat.at("history");
  for (const auto& [id, m] : history.at("messages").items()) {
    const std::string role = text_in(m, "role");
    if (role != "user" && role != "assistant") continue;
    StoredMessage stored{
        .id = id, .conversation = {}, .parent = text_in(m, "parentId"), .role = role, .content = text_in(m, "content")};
    stored.model = text_in(m, "model");
    stored.created = seconds(number_in(m, "timestamp"));
    one.messages.push_back(std::move(stored));
  }
  one.conversation.leaf = text_in(history, "currentId");
  return one;
}

using Reader = Imported::One (*)(const OrderedJson&);

Reader reader_of(const OrderedJson& conversation) {
  if (!conversation.is_object()) return nullptr;
  if (conversation.contains("mapping")) return chatgpt;
  if (conversation.contains("chat") && conversation["chat"].is_object()) return open_webui;
  return conversation.contains("messages") && conversation["messages"].is_array() ? own : nullptr;
}

}  // namespace

Imported read_export(const OrderedJson& file) {
  const OrderedJson* list = &file;
  if (file.is_object() && file.contains("conversations")) list = &file["conversations"];
  const OrderedJson alone = OrderedJson::array({file});
  if (file.is_object() && list == &file) list = &alone;
  if (!list->is_array()) throw Error(Code::kInvalidArgument, "import: no list of conversations");
  if (!list->empty() && !reader_of(list->front())) {
    throw Error(Code::kInvalidArgument, "import: neither an export of Shenbi, nor of ChatGPT, nor of Open WebUI");
  }
  Imported result;
  for (size_t i = 0; i < list->size(); ++i) {
    const OrderedJson& conversation = (*list)[i];
    std::string title = fmt::format("conversation {}", i + 1);
    try {
      if (conversation.is_object() && !text_in(conversation, "title").empty())
        title = bounded_title(text_in(conversation, "title"));
      const Reader reader = reader_of(conversation);
      require(reader != nullptr, "it has another form than the first");
      Imported::One one = reader(conversation);
      one.conversation.title = bounded_title(one.conversation.title);
      for (StoredMessage& message : one.messages) {
        require(message.role == "user" || message.role == "assistant",
                "a message is neither the user's nor the assistant's");
        static const std::unordered_set<std::string> kStates = {"done", "stopped", "failed"};
        if (!kStates.contains(message.status)) message.status = message.status == "running" ? "stopped" : "done";
      }
      one.messages = ordered(std::move(one.messages));
      result.conversations.push_back(std::move(one));
    } catch (const Error& error) {
      result.skipped.push_back({title, error.what()});
    } catch (const OrderedJson::exception& error) {
      result.skipped.push_back({title, error.what()});
    }
  }
  return result;
}

OrderedJson export_json(const StoredConversation& c, const std::string& folder_name,
                        const std::vector<StoredMessage>& messages) {
  OrderedJson json = {{"title", c.title},     {"folder", folder_name}, {"pinned", c.pinned},
                      {"created", c.created}, {"updated", c.updated},  {"leaf", c.leaf}};
  json["messages"] = OrderedJson::array();
  for (const StoredMessage& one : messages) json["messages"].push_back(message_json(one));
  return json;
}

std::string export_markdown(const StoredConversation& conversation, const std::vector<StoredMessage>& path) {
  std::string out = fmt::format("# {}\n", conversation.title);
  for (const StoredMessage& one : path) {
    out += fmt::format("\n## {}\n\n{}\n",
                       one.role == "user"  ? "User"
                       : one.model.empty() ? "Assistant"
                                           : one.model,
                       one.content);
  }
  return out;
}

}  // namespace shenbi::server
