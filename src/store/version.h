#pragma once
// Whether others have changed a part of a shared database since this one looked last. Who keeps a copy of the part in
// memory asks before he uses it, and whoever changes the part says so in the same transaction.
//
//   if (version.changed()) load();                                        // the version first, then the rows
//   database.transaction([&] { database.run("UPDATE ..."); version.bump(); });
//
// A file of SQLite has one program, which knows what it has changed: nothing is read or written there. Thread-safe.

#include <atomic>
#include <string>

#include "store/database.h"

namespace shenbi::store {

class Version {
 public:
  Version(Database& database, std::string part) : database_(database), part_(std::move(part)) {
    if (database_.shared())
      database_.migrate("versions", {"CREATE TABLE versions (part TEXT PRIMARY KEY, number INTEGER NOT NULL)"});
  }

  bool changed() {
    if (!database_.shared()) return false;
    const auto rows = database_.query("SELECT number FROM versions WHERE part = ?", {part_});
    const int64_t number = rows.empty() ? 0 : rows[0].integer("number");
    return seen_.exchange(number) != number;
  }

  void bump() {
    if (!database_.shared()) return;
    database_.run(
        "INSERT INTO versions (part, number) VALUES (?, 1) ON CONFLICT (part) DO UPDATE SET number = versions.number "
        "+ 1",
        {part_});
  }

 private:
  Database& database_;
  const std::string part_;
  std::atomic<int64_t> seen_{0};
};

}  // namespace shenbi::store
