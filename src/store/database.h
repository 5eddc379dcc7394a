#pragma once
// The one door to the database: SQLite's file, or a PostgreSQL database that several instances share. Callers do not
// know which.
//
//   Database db("/home/me/shenbi.db");                                    // or "postgresql://shenbi@host/shenbi"
//   db.migrate("part", {"CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)"});   // each step once, in order, alone
//   db.run("INSERT INTO t (b) VALUES (?)", {"x"});
//   for (const Row& row : db.query("SELECT a, b FROM t WHERE b = ?", {"x"})) row.integer("a");
//   db.transaction([&] { ... });                                          // all or nothing; what it throws undoes it
//
// What has returned is on the disk. Statements are constants of the program: text from outside is always a parameter.
//
// **Statements are written once**, in the SQL that both speak, as SQLite spells it. The driver of PostgreSQL
// (store/postgres_sql.h) turns placeholders, the types of columns, INTEGER PRIMARY KEY, STRICT and WITHOUT ROWID into
// its own, keeps text in the order of its bytes, lets LIKE find ASCII letters in either case, and gives each table the
// column `rowid`, in the order of insertion. In an upsert a column of the row that is there is written with the
// table's name. What cannot be written once is a Step with two sides or a member of Database.
//
// SQLite: exactly one connection in the process, which writes and checkpoints (Debian's SQLite can lose pages of its
// log when one connection checkpoints while another commits), so a call waits for the one before it. A database is
// never begun anew over the remains of one: an empty file, or a log without its file, is an error that names it. A
// second process on the same file gets Error{kInvalidArgument} naming it.
//
// PostgreSQL: a few connections, made when they are needed. One that was lost is made again, a bounded number of times;
// a question is then asked again, but never a statement that may have taken effect. No message has a password in it.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace shenbi::store {

struct Blob {
  std::string bytes;
};
/// Text is UTF-8. PostgreSQL keeps neither invalid sequences nor zero bytes: they are stored as U+FFFD there.
using Value = std::variant<std::nullptr_t, int64_t, double, std::string, Blob>;

class Row {
 public:
  Row(std::shared_ptr<const std::vector<std::string>> names, std::vector<Value> values)
      : names_(std::move(names)), values_(std::move(values)) {}
  bool is_null(std::string_view column) const;
  int64_t integer(std::string_view column) const;  ///< 0 for NULL
  double real(std::string_view column) const;
  std::string text(std::string_view column) const;  ///< "" for NULL; also the bytes of a blob
 private:
  const Value& at(std::string_view column) const;
  std::shared_ptr<const std::vector<std::string>> names_;
  std::vector<Value> values_;
};

/// Finds any part of any text of a column, in any language.
struct TextIndex {
  std::string name, table, column;
};

/// One step of a schema: one or several statements.
struct Step {
  Step(std::string_view both) : sqlite(both), postgres(both) {}  // NOLINT: a list of texts is a list of steps
  Step(const char* both) : Step(std::string_view(both)) {}       // NOLINT
  /// The same step, and then the index.
  Step with(const TextIndex& index) const;
  std::string sqlite, postgres;
};

/// A part of a statement's WHERE, and its parameter.
struct Condition {
  std::string sql;
  Value value;
};

/// For LIKE ? ESCAPE '\': the text itself, wherever it stands.
std::string anywhere(std::string_view text);

/// Of the SQLite library in use.
std::string_view sqlite_version() noexcept;

/// Whether it names a PostgreSQL database rather than a file.
bool is_address(std::string_view place) noexcept;
/// The place as it may be shown: without a password.
std::string shown_place(std::string_view place);

class Driver;
class Instances;

class Database {
 public:
  /// `place`: a file, made with its folders if it is not there, or an address: "postgresql://...". Throws
  /// Error{kCorruptFile} if it is no database or what is left of one, {kInvalidArgument} if another shenbi has it or
  /// the address is none, {kUnavailable} if another program holds it or its server cannot be reached, {kUnsupported} if
  /// it does not keep UTF-8.
  explicit Database(const std::string& place);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// As it may be shown.
  const std::string& name() const noexcept;
  /// Whether other processes write to it too: then what it holds is to be asked for, not remembered.
  bool shared() const noexcept;
  /// Those that share it (store/instances.h).
  Instances& instances() noexcept { return *instances_; }
  /// For a statement: the seconds since 1970 by the database's clock.
  std::string_view seconds_now() const noexcept;

  /// Runs the steps beyond what the named part of the schema has already had, while no other process does. A database
  /// of a newer program is Error{kUnsupported}.
  void migrate(std::string_view part, const std::vector<Step>& steps);

  /// One statement; returns the number of changed rows. Throws Error{kInvalidArgument} on a constraint, {kNoSpace} on a
  /// full disk (it works again once there is room), {kUnavailable} if another program holds the file for longer than a
  /// second or the server cannot be reached, {kCorruptFile} on damage.
  int64_t run(std::string_view sql, const std::vector<Value>& values = {});
  /// The same without waiting for the disk: what has returned survives the end of the process, and a power cut once a
  /// later run() has returned. For what stands on a request's way. Within a transaction it is run().
  int64_t run_soon(std::string_view sql, const std::vector<Value>& values = {});
  std::vector<Row> query(std::string_view sql, const std::vector<Value>& values = {});

  /// Alone: no other transaction of any process runs until `work` returns, so what it has read stays true. Nested calls
  /// join the outer one.
  void transaction(const std::function<void()>& work);
  /// All or nothing too, but on PostgreSQL beside others: for many rows that hang on nothing that is read. Whoever
  /// changes the same rows does so in one order.
  void bulk(const std::function<void()>& work);

  /// The rows whose column holds `text`, letters of ASCII (and of other scripts where the index knows them) in either
  /// case. Stands in a statement on the index's table, which has no other name there.
  Condition contains(const TextIndex& index, const std::string& text) const;

 private:
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<Instances> instances_;  // goes first
};

}  // namespace shenbi::store
