#pragma once
// Whether others have changed a part of a shared database since this one looked last. Who keeps a copy of the part in
// memory lets it follow before he uses it, and whoever changes the part says so in the same transaction.
//
//   version.follow([&] { load(); });                                      // the first time, and when others changed it
//   database.transaction([&] { database.run("UPDATE ..."); version.bump(); });
//
// A file of SQLite has one program, which knows what it has changed: nothing is asked or written there. Thread-safe.

#include <atomic>
#include <chrono>
#include <functional>
#include <string>

#include "store/database.h"

namespace shenbi::store {

class Version {
 public:
  Version(Database& database, std::string part);

  /// What `load` throws leaves the part to be loaded the next time.
  void follow(const std::function<void()>& load);
  /// The same for what is asked very often and may be a little old: at most once in `every`, and without the database
  /// the copy stays as it is, which is told in the log.
  void follow_at_leisure(std::chrono::milliseconds every, const std::function<void()>& load);
  /// Part of the caller's transaction.
  void bump();

 private:
  Database& database_;
  const std::string part_;
  std::atomic<int64_t> seen_{-1};    // -1: never loaded
  std::atomic<int64_t> look_at_{0};  // of the steady clock
};

}  // namespace shenbi::store
