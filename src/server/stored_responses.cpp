#include "server/stored_responses.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server {

using chat::OrderedJson;

namespace {

[[noreturn]] void no_response(const std::string& id) {
  throw Error(Code::kNotFound, fmt::format("response '{}' is not here", sanitize_utf8(id)));
}

}  // namespace

StoredResponses::StoredResponses(store::Database& database) : database_(database) {
  database_.migrate("responses",
                    {"CREATE TABLE responses (id TEXT PRIMARY KEY, owner TEXT NOT NULL, created REAL NOT NULL,"
                     " response TEXT NOT NULL, input TEXT NOT NULL) STRICT"});
}

void StoredResponses::add(const std::string& owner, const std::string& id, const One& one) {
  database_.run("INSERT INTO responses (id, owner, created, response, input) VALUES (?, ?, ?, ?, ?)",
                {id, owner, wall_clock(), dumped(one.response), dumped(one.input)});
}

StoredResponses::One StoredResponses::get(const std::string& owner, const std::string& id) const {
  const auto rows = database_.query("SELECT response, input FROM responses WHERE id = ? AND owner = ?", {id, owner});
  if (rows.empty()) no_response(id);
  return {.response = OrderedJson::parse(rows[0].text("response")), .input = OrderedJson::parse(rows[0].text("input"))};
}

void StoredResponses::remove(const std::string& owner, const std::string& id) {
  if (database_.run("DELETE FROM responses WHERE id = ? AND owner = ?", {id, owner}) == 0) no_response(id);
}

}  // namespace shenbi::server
