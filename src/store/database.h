#pragma once
// The one door to the database. SQLite; exactly one connection in the process, which writes and checkpoints (Debian's
// SQLite can lose pages of its log when one connection checkpoints while another commits), so a call waits for the one
// before it.
//
//   Database db(path);
//   db.migrate({"CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)"});       // each step once, in order, in a transaction
//   db.run("INSERT INTO t (b) VALUES (?)", {"x"});
//   for (const Row& row : db.query("SELECT a, b FROM t WHERE b = ?", {"x"})) row.integer("a");
//   db.transaction([&] { ... });                                          // all or nothing; what it throws undoes it
//
// What has returned is on the disk (synchronous=FULL). A database is never begun anew over the remains of one: an empty
// file, or a log without its file, is an error that names it. Statements are constants of the program: text from
// outside is always a parameter. A second process on the same file gets Error{kInvalidArgument} naming it.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace shenbi::store {

struct Blob {
  std::string bytes;
};
using Value = std::variant<std::nullptr_t, int64_t, double, std::string, Blob>;

class Row {
 public:
  bool is_null(std::string_view column) const;
  int64_t integer(std::string_view column) const;  ///< 0 for NULL
  double real(std::string_view column) const;
  std::string text(std::string_view column) const;  ///< "" for NULL; also the bytes of a blob
 private:
  friend class Database;
  const Value& at(std::string_view column) const;
  std::shared_ptr<const std::vector<std::string>> names_;
  std::vector<Value> values_;
};

/// Of the SQLite library in use.
std::string_view sqlite_version() noexcept;

class Database {
 public:
  /// Creates file and folders. Throws Error{kCorruptFile} if it is no database or what is left of one,
  /// {kInvalidArgument} if another shenbi has it, {kUnavailable} if another program holds it.
  explicit Database(const std::filesystem::path& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs the steps beyond what the named part of the schema has already had. A file from a newer program is
  /// Error{kUnsupported}.
  void migrate(std::string_view part, const std::vector<std::string_view>& steps);

  /// One statement; returns the number of changed rows. Throws Error{kInvalidArgument} on a constraint, {kNoSpace} on a
  /// full disk (it works again once there is room), {kUnavailable} if another program holds the file for longer than a
  /// second, {kCorruptFile} on damage.
  int64_t run(std::string_view sql, const std::vector<Value>& values = {});
  /// The same without waiting for the disk: what has returned survives the end of the process, and a power cut once a
  /// later run() has returned. For what stands on a request's way. Within a transaction it is run().
  int64_t run_soon(std::string_view sql, const std::vector<Value>& values = {});
  std::vector<Row> query(std::string_view sql, const std::vector<Value>& values = {});
  int64_t last_id() const;

  /// Holds the connection for the calling thread until `work` returns. Nested calls join the outer one.
  void transaction(const std::function<void()>& work);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shenbi::store
