#include "server/conversations.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "base/utf8.h"
#include "server/ids.h"
#include "server/state.h"
#include "store/instances.h"

namespace shenbi::server {
namespace {

using store::Row;
using store::Value;

const store::TextIndex kText = {.name = "message_text", .table = "messages", .column = "content"};
const std::vector<store::Step> kConversationsSchema = {
    store::Step(
        "CREATE TABLE folders (id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, created REAL NOT NULL) "
        "STRICT;"
        "CREATE TABLE conversations (id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL,"
        " folder TEXT REFERENCES folders(id) ON DELETE SET NULL, pinned INTEGER NOT NULL DEFAULT 0, created REAL NOT "
        "NULL,"
        " updated REAL NOT NULL, leaf TEXT, removed REAL) STRICT;"
        "CREATE INDEX conversations_by_time ON conversations (owner, updated);"
        "CREATE TABLE messages (id TEXT PRIMARY KEY, conversation TEXT NOT NULL REFERENCES conversations(id) ON DELETE "
        "CASCADE,"
        " parent TEXT, role TEXT NOT NULL, content TEXT NOT NULL, thinking TEXT NOT NULL, model TEXT NOT NULL, created "
        "REAL NOT NULL,"
        " status TEXT NOT NULL, error TEXT NOT NULL, finish TEXT NOT NULL, usage TEXT NOT NULL, warnings TEXT NOT NULL,"
        " params TEXT NOT NULL) STRICT;"
        "CREATE INDEX messages_by_conversation ON messages (conversation, created)")
        .with(kText),
    "ALTER TABLE messages ADD COLUMN instance INTEGER NOT NULL DEFAULT 1"};

constexpr std::string_view kSelect =
    "SELECT c.*, (SELECT count(*) FROM messages m WHERE m.conversation = c.id) AS messages FROM conversations c"
    " WHERE c.owner = ? AND c.removed IS NULL ";

Value or_null(const std::string& text) { return text.empty() ? Value(nullptr) : Value(text); }

StoredConversation conversation_of(const Row& row) {
  return {.id = row.text("id"),
          .title = row.text("title"),
          .folder = row.text("folder"),
          .leaf = row.text("leaf"),
          .pinned = row.integer("pinned") != 0,
          .created = row.real("created"),
          .updated = row.real("updated"),
          .messages = row.integer("messages"),
          .snippet = {}};
}

StoredMessage message_of(const Row& row) {
  return {.id = row.text("id"),
          .conversation = row.text("conversation"),
          .parent = row.text("parent"),
          .role = row.text("role"),
          .content = row.text("content"),
          .thinking = row.text("thinking"),
          .model = row.text("model"),
          .created = row.real("created"),
          .status = row.text("status"),
          .error = row.text("error"),
          .finish = row.text("finish"),
          .usage = row.text("usage"),
          .warnings = row.text("warnings"),
          .params = row.text("params")};
}

[[noreturn]] void not_here(std::string_view what, const std::string& id) {
  throw Error(Code::kNotFound, fmt::format("no {} '{}'", what, sanitize_utf8(id)));
}

// The first place where `text` holds `sought` (letters of ASCII in either case), with up to 30 characters before it and
// 60 behind; its beginning where only the database knows letters to be the same.
std::string snippet_around(const std::string& text, const std::string& sought) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto found = std::search(text.begin(), text.end(), sought.begin(), sought.end(),
                                 [&](char a, char b) { return lower(a) == lower(b); });
  const bool known = found != text.end();
  const auto inside = [&](size_t at) { return at < text.size() && (text[at] & 0xC0) == 0x80; };
  const size_t begin = known ? static_cast<size_t>(found - text.begin()) : 0, end = begin + (known ? sought.size() : 0);
  size_t from = begin, to = end;
  for (int i = 0; i < 30 && from > 0; ++i) {
    do --from;
    while (from > 0 && inside(from));
  }
  for (int i = 0; i < 60 && to < text.size(); ++i) {
    do ++to;
    while (inside(to));
  }
  if (!known) return text.substr(0, to) + (to < text.size() ? "…" : "");
  return fmt::format("{}{}\x02{}\x03{}{}", from > 0 ? "…" : "", text.substr(from, begin - from),
                     text.substr(begin, end - begin), text.substr(end, to - end), to < text.size() ? "…" : "");
}

}  // namespace

Conversations::Conversations(store::Database& database) : database_(database) {
  database_.migrate("conversations", kConversationsSchema);
  end_answers_of(database_.instances().own());
  gone_ = database_.instances().on_gone([this](int64_t instance) { end_answers_of(instance); });
  purge(0);
}

void Conversations::end_answers_of(int64_t instance) {
  database_.run("UPDATE messages SET status = 'stopped' WHERE status = 'running' AND instance = ?", {instance});
}

// --- conversations ---

std::vector<StoredConversation> Conversations::list(const std::string& owner, const Filter& filter) const {
  std::string sql(kSelect);
  std::vector<Value> values = {owner};
  if (!filter.folder.empty()) {
    sql += "AND c.folder = ? ";
    values.emplace_back(filter.folder);
  }
  if (filter.before > 0) {
    sql += "AND c.updated < ? ";
    values.emplace_back(filter.before);
  }
  const store::Condition holds = database_.contains(kText, filter.text);
  if (!filter.text.empty()) {
    sql += fmt::format("AND (c.title LIKE ? ESCAPE '\\' OR c.id IN (SELECT conversation FROM messages WHERE {})) ",
                       holds.sql);
    values.emplace_back(store::anywhere(filter.text));
    values.emplace_back(holds.value);
  }
  sql += "ORDER BY c.updated DESC LIMIT ?";
  values.emplace_back(std::clamp<int64_t>(filter.limit, 1, 1000));
  const std::string first =
      fmt::format("SELECT content FROM messages WHERE conversation = ? AND {} ORDER BY created LIMIT 1", holds.sql);
  std::vector<StoredConversation> found;
  for (const Row& row : database_.query(sql, values)) {
    StoredConversation one = conversation_of(row);
    if (!filter.text.empty()) {
      const auto text = database_.query(first, {one.id, holds.value});
      if (!text.empty()) one.snippet = snippet_around(text[0].text("content"), filter.text);
    }
    found.push_back(std::move(one));
  }
  return found;
}

StoredConversation Conversations::get(const std::string& owner, const std::string& id) const {
  const auto rows = database_.query(std::string(kSelect) + "AND c.id = ?", {owner, id});
  if (rows.empty()) not_here("conversation", id);
  return conversation_of(rows[0]);
}

std::vector<StoredMessage> Conversations::messages(const std::string& owner, const std::string& id) const {
  get(owner, id);
  std::vector<StoredMessage> all;
  for (const Row& row :
       database_.query("SELECT * FROM messages WHERE conversation = ? ORDER BY created, rowid", {id})) {
    all.push_back(message_of(row));
  }
  return all;
}

StoredConversation Conversations::create(const std::string& owner, const std::string& title,
                                         const std::string& folder) {
  check_folder(owner, folder);
  const std::string id = new_id();
  const double now = wall_clock();
  database_.run("INSERT INTO conversations (id, owner, title, folder, created, updated) VALUES (?, ?, ?, ?, ?, ?)",
                {id, owner, title, or_null(folder), now, now});
  return get(owner, id);
}

StoredConversation Conversations::change(const std::string& owner, const std::string& id, const Change& change) {
  database_.transaction([&] {
    get(owner, id);
    if (change.title) database_.run("UPDATE conversations SET title = ? WHERE id = ?", {*change.title, id});
    if (change.folder) {
      check_folder(owner, *change.folder);
      database_.run("UPDATE conversations SET folder = ? WHERE id = ?", {or_null(*change.folder), id});
    }
    if (change.pinned) database_.run("UPDATE conversations SET pinned = ? WHERE id = ?", {int64_t{*change.pinned}, id});
    if (change.leaf) {
      if (message(owner, *change.leaf).conversation != id) not_here("message", *change.leaf);
      database_.run("UPDATE conversations SET leaf = ? WHERE id = ?", {*change.leaf, id});
    }
  });
  return get(owner, id);
}

void Conversations::remove(const std::string& owner, const std::string& id) {
  get(owner, id);
  database_.run("UPDATE conversations SET removed = ? WHERE id = ?", {wall_clock(), id});
}

void Conversations::restore(const std::string& owner, const std::string& id) {
  if (database_.run("UPDATE conversations SET removed = NULL WHERE id = ? AND owner = ?", {id, owner}) == 0) {
    not_here("conversation", id);
  }
}

void Conversations::purge(double seconds) {
  database_.run("DELETE FROM conversations WHERE removed IS NOT NULL AND removed <= ?", {wall_clock() - seconds});
}

// --- folders ---

void Conversations::check_folder(const std::string& owner, const std::string& id) const {
  if (id.empty()) return;
  if (database_.query("SELECT 1 AS one FROM folders WHERE id = ? AND owner = ?", {id, owner}).empty())
    not_here("folder", id);
}

std::vector<StoredFolder> Conversations::folders(const std::string& owner) const {
  std::vector<StoredFolder> all;
  for (const Row& row : database_.query("SELECT f.id, f.name, (SELECT count(*) FROM conversations c WHERE c.folder = "
                                        "f.id AND c.removed IS NULL) AS n"
                                        " FROM folders f WHERE f.owner = ? ORDER BY f.name",
                                        {owner})) {
    all.push_back({.id = row.text("id"), .name = row.text("name"), .count = row.integer("n")});
  }
  return all;
}

StoredFolder Conversations::create_folder(const std::string& owner, const std::string& name) {
  const std::string id = new_id();
  database_.run("INSERT INTO folders (id, owner, name, created) VALUES (?, ?, ?, ?)", {id, owner, name, wall_clock()});
  return {.id = id, .name = name};
}

void Conversations::rename_folder(const std::string& owner, const std::string& id, const std::string& name) {
  check_folder(owner, id);
  database_.run("UPDATE folders SET name = ? WHERE id = ?", {name, id});
}

void Conversations::remove_folder(const std::string& owner, const std::string& id) {
  check_folder(owner, id);
  database_.run("DELETE FROM folders WHERE id = ?", {id});
}

// --- messages ---

StoredMessage Conversations::message(const std::string& owner, const std::string& id) const {
  const auto rows = database_.query(
      "SELECT m.* FROM messages m JOIN conversations c ON c.id = m.conversation WHERE m.id = ? AND c.owner = ?"
      " AND c.removed IS NULL",
      {id, owner});
  if (rows.empty()) not_here("message", id);
  return message_of(rows[0]);
}

std::vector<StoredMessage> Conversations::path_to(const std::string& owner, const std::string& conversation,
                                                  const std::string& id) const {
  std::vector<StoredMessage> path;
  if (id.empty()) return path;
  std::unordered_map<std::string, StoredMessage> by_id;
  for (StoredMessage& one : messages(owner, conversation)) by_id.emplace(one.id, std::move(one));
  for (std::string at = id; !at.empty();) {
    const auto found = by_id.find(at);
    if (found == by_id.end()) not_here("message", at);
    path.push_back(std::move(found->second));
    by_id.erase(found);  // a circle, which no writer makes, would end here
    at = path.back().parent;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

StoredMessage Conversations::add(const std::string& owner, StoredMessage m) {
  if (m.id.empty()) m.id = new_id();
  if (m.created == 0) m.created = wall_clock();
  database_.transaction([&] {
    get(owner, m.conversation);
    if (!m.parent.empty() && message(owner, m.parent).conversation != m.conversation) not_here("message", m.parent);
    database_.run(
        "INSERT INTO messages (id, conversation, parent, role, content, thinking, model, created, status, error, "
        "finish, usage,"
        " warnings, params, instance) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {m.id, m.conversation, or_null(m.parent), m.role, m.content, m.thinking, m.model, m.created, m.status, m.error,
         m.finish, m.usage, m.warnings, m.params, database_.instances().own()});
    database_.run("UPDATE conversations SET leaf = ?, updated = ? WHERE id = ?", {m.id, wall_clock(), m.conversation});
  });
  return m;
}

void Conversations::save(const StoredMessage& m) {
  database_.run(
      "UPDATE messages SET content = ?, thinking = ?, model = ?, status = ?, error = ?, finish = ?, usage = ?,"
      " warnings = ?, params = ? WHERE id = ?",
      {m.content, m.thinking, m.model, m.status, m.error, m.finish, m.usage, m.warnings, m.params, m.id});
}

void Conversations::import(const std::string& owner, StoredConversation conversation,
                           std::vector<StoredMessage> messages) {
  database_.transaction([&] {
    const StoredConversation made = create(owner, conversation.title, conversation.folder);
    std::unordered_map<std::string, std::string> new_ids;
    for (const StoredMessage& one : messages) new_ids.emplace(one.id, new_id());
    const auto renamed = [&](const std::string& id) {
      const auto found = new_ids.find(id);
      return found == new_ids.end() ? std::string() : found->second;
    };
    std::string leaf = renamed(conversation.leaf);
    for (StoredMessage& one : messages) {
      one.id = renamed(one.id);
      one.parent = renamed(one.parent);
      one.conversation = made.id;
      if (one.status == "running") one.status = "stopped";
      if (leaf.empty() && &one == &messages.back()) leaf = one.id;
      add(owner, one);
    }
    database_.run(
        "UPDATE conversations SET leaf = ?, pinned = ?, created = ?, updated = ? WHERE id = ?",
        {or_null(leaf), int64_t{conversation.pinned}, conversation.created > 0 ? conversation.created : made.created,
         conversation.updated > 0 ? conversation.updated : made.updated, made.id});
  });
}

}  // namespace shenbi::server
