#include "server/prompts.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "server/ids.h"
#include "server/state.h"

namespace shenbi::server {
namespace {

const std::vector<store::Step> kPromptsSchema = {
    "CREATE TABLE prompts (id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL,"
    " updated REAL NOT NULL) STRICT;"
    "CREATE INDEX prompts_by_owner ON prompts (owner, name)"};

[[noreturn]] void no_prompt(const std::string& id) {
  throw Error(Code::kNotFound, fmt::format("no prompt '{}'", sanitize_utf8(id)));
}

SavedPrompt prompt_of(const store::Row& row) {
  return {
      .id = row.text("id"), .name = row.text("name"), .content = row.text("content"), .updated = row.real("updated")};
}

}  // namespace

Prompts::Prompts(store::Database& database) : database_(database) { database_.migrate("prompts", kPromptsSchema); }

std::vector<SavedPrompt> Prompts::list(const std::string& owner) const {
  std::vector<SavedPrompt> all;
  for (const store::Row& row : database_.query("SELECT * FROM prompts WHERE owner = ? ORDER BY name, id", {owner})) {
    all.push_back(prompt_of(row));
  }
  return all;
}

SavedPrompt Prompts::create(const std::string& owner, const std::string& name, const std::string& content) {
  const SavedPrompt prompt{.id = new_id(), .name = name, .content = content, .updated = wall_clock()};
  database_.transaction([&] {
    const auto count = database_.query("SELECT count(*) AS n FROM prompts WHERE owner = ?", {owner})[0].integer("n");
    if (count >= static_cast<int64_t>(limits::kMaxSavedPrompts)) {
      throw Error(Code::kInvalidArgument, fmt::format("there are {} prompts already, the most there may be", count));
    }
    database_.run("INSERT INTO prompts (id, owner, name, content, updated) VALUES (?, ?, ?, ?, ?)",
                  {prompt.id, owner, name, content, prompt.updated});
  });
  return prompt;
}

SavedPrompt Prompts::get(const std::string& owner, const std::string& id) const {
  const auto rows = database_.query("SELECT * FROM prompts WHERE id = ? AND owner = ?", {id, owner});
  if (rows.empty()) no_prompt(id);
  return prompt_of(rows[0]);
}

SavedPrompt Prompts::change(const std::string& owner, const std::string& id, const std::string& name,
                            const std::string& content) {
  const SavedPrompt prompt{.id = id, .name = name, .content = content, .updated = wall_clock()};
  if (database_.run("UPDATE prompts SET name = ?, content = ?, updated = ? WHERE id = ? AND owner = ?",
                    {name, content, prompt.updated, id, owner}) == 0) {
    no_prompt(id);
  }
  return prompt;
}

void Prompts::remove(const std::string& owner, const std::string& id) {
  if (database_.run("DELETE FROM prompts WHERE id = ? AND owner = ?", {id, owner}) == 0) no_prompt(id);
}

}  // namespace shenbi::server
