#pragma once
// One connection to PostgreSQL. Statements are prepared once for each kind of values. It waits for no answer longer
// than its time; an answer that does not come, or a connection that breaks, is Lost, and it is not used again.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "store/database.h"

struct pg_conn;
struct pg_result;

namespace shenbi::store {

/// Where the database is.
struct PostgresPlace {
  std::string address;   ///< with all its secrets
  std::string name;      ///< as it may be shown
  std::string password;  ///< in the address or the environment; never shown
  /// Throws Error{kInvalidArgument}, which shows nothing of an address that is not understood.
  static PostgresPlace of(const std::string& address);
  /// A text of the library, as it may be shown: one line.
  std::string shown(std::string_view text) const;
};

/// The connection is gone. What was under way may have taken effect.
class Lost : public Error {
 public:
  explicit Lost(const std::string& message) : Error(Code::kUnavailable, message) {}
};

class PostgresConnection {
 public:
  /// Throws Lost if the server cannot be reached or does not want us, Error{kUnsupported} if it is none that serves.
  explicit PostgresConnection(const PostgresPlace& place);
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  /// Whether it can be used, as far as this side has heard: without asking.
  bool alive();
  struct Answer {
    std::vector<Row> rows;
    int64_t changed = 0;
  };
  Answer execute(std::string_view sql, const std::vector<Value>& values);
  /// As it is: PostgreSQL's own words, several statements. Returns the tag of the last one.
  std::string simple(const std::string& sql, std::chrono::seconds time);

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  using Result = std::unique_ptr<pg_result, Clear>;
  const std::string& prepared(std::string_view sql, const std::vector<Value>& values);
  Result wait(std::chrono::seconds time, std::string_view doing);
  [[noreturn]] void lost(const std::string& why);
  [[noreturn]] void fail(const pg_result* result, std::string_view doing);
  Answer read(const pg_result* result) const;

  const PostgresPlace& place_;
  pg_conn* connection_ = nullptr;
  bool broken_ = false;
  uint64_t made_ = 0;                                   // statements
  std::unordered_map<std::string, std::string> names_;  // of prepared statements
};

}  // namespace shenbi::store
