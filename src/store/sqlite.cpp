// SQLite's side.

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "store/driver.h"

namespace shenbi::store {
namespace {

// Another program (a backup, a person with sqlite3) may hold the file. Longer would keep those waiting who need no
// database: the worker threads are few.
constexpr int kBusyWaitMs = 1000;

// `system_error`: errno of the failed call, where the system was the reason.
Code code_of(int status, int system_error = 0) {
  switch (status & 0xFF) {
    case SQLITE_FULL:
      return Code::kNoSpace;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::kUnavailable;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
      return Code::kInvalidArgument;
    case SQLITE_NOMEM:
      return Code::kOutOfMemory;
    case SQLITE_IOERR:
      // A write that fails for any reason but the device itself is a quota or a bound on the size of files: a full disk
      // by another name.
      if (system_error == EIO) return Code::kInternal;
      return status == SQLITE_IOERR_WRITE || status == SQLITE_IOERR_SHMSIZE || status == SQLITE_IOERR_TRUNCATE
                 ? Code::kNoSpace
                 : Code::kInternal;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::kCorruptFile;
    default:
      return Code::kInternal;
  }
}

void bind(sqlite3_stmt* statement, int index, const Value& value) {
  const auto visitor = [&](const auto& v) {
    using T = std::decay_t<decltype(v)>;
    if constexpr (std::is_same_v<T, std::nullptr_t>) return sqlite3_bind_null(statement, index);
    if constexpr (std::is_same_v<T, int64_t>) return sqlite3_bind_int64(statement, index, v);
    if constexpr (std::is_same_v<T, double>) return sqlite3_bind_double(statement, index, v);
    if constexpr (std::is_same_v<T, std::string>) {
      return sqlite3_bind_text64(statement, index, v.data(), v.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    if constexpr (std::is_same_v<T, Blob>) {
      return sqlite3_bind_blob64(statement, index, v.bytes.data(), v.bytes.size(), SQLITE_STATIC);
    }
  };
  if (const int status = std::visit(visitor, value); status != SQLITE_OK) {
    throw Error(code_of(status), fmt::format("database: parameter {}: {}", index, sqlite3_errstr(status)));
  }
}

Value column_value(sqlite3_stmt* statement, int column) {
  const auto bytes = [&](const void* data) {
    return std::string(static_cast<const char*>(data), static_cast<size_t>(sqlite3_column_bytes(statement, column)));
  };
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_TEXT:
      return bytes(sqlite3_column_text(statement, column));
    case SQLITE_BLOB:
      return Blob{bytes(sqlite3_column_blob(statement, column))};
    default:
      return nullptr;
  }
}

// A statement that is always put back.
class Use {
 public:
  explicit Use(sqlite3_stmt* statement) : statement_(statement) {}
  ~Use() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  sqlite3_stmt* statement_;
};

// One phrase of the full-text language: quotes doubled, so that nothing in it is an operator.
std::string phrase(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

struct Connection {
  std::filesystem::path path;
  int lock_file = -1;
  sqlite3* db = nullptr;
  std::recursive_mutex mutex;  // recursive: a transaction's work runs statements
  int depth = 0;               // of transaction()
  std::unordered_map<std::string_view, sqlite3_stmt*>
      statements;  // keys are constants of the program, or kept in texts
  std::vector<std::unique_ptr<std::string>> texts;

  ~Connection() {
    for (auto& [sql, statement] : statements) sqlite3_finalize(statement);
    if (db) sqlite3_close(db);
    if (lock_file >= 0) ::close(lock_file);
  }

  [[noreturn]] void fail(int status, std::string_view doing) const {
    const Code code = code_of(status, db ? sqlite3_system_errno(db) : 0);
    const std::string reason = code == Code::kNoSpace ? "no space left on the disk" : sqlite3_errmsg(db);
    throw Error(code, fmt::format("{}: {}: {}", path.string(), doing, reason));
  }

  void execute(const char* sql) {
    if (const int status = sqlite3_exec(db, sql, nullptr, nullptr, nullptr); status != SQLITE_OK) fail(status, sql);
  }

  // flock goes with the process, so a crash leaves no lock behind.
  void lock_for_this_process() {
    const std::string name = path.string() + ".lock";
    lock_file = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock_file < 0) throw Error(Code::kInvalidArgument, fmt::format("{}: {}", name, std::strerror(errno)));
    if (::flock(lock_file, LOCK_EX | LOCK_NB) != 0) {
      throw Error(Code::kInvalidArgument, fmt::format("{}: another shenbi process uses this database", path.string()));
    }
  }

  // What there is when a database of ours has been here is never nothing: a new one takes its name only once it is
  // whole. So an empty file is damage, and a log without its file would be read into a new one.
  void begin_if_new() {
    std::error_code error;
    if (std::filesystem::exists(path, error)) {
      if (std::filesystem::file_size(path, error) > 0 || error) return;
      throw Error(Code::kCorruptFile,
                  fmt::format("{}: the database is empty, its content is lost; put a copy back, or remove the file to "
                              "begin a new one",
                              path.string()));
    }
    if (const std::string log = path.string() + "-wal"; std::filesystem::exists(log, error)) {
      throw Error(Code::kCorruptFile,
                  fmt::format("{}: the database is missing, but its log {} is here; put the database back, or remove "
                              "the log to begin a new one",
                              path.string(), log));
    }
    const std::filesystem::path fresh = path.string() + ".new";
    for (const char* part : {"", "-wal", "-shm"}) std::filesystem::remove(fresh.string() + part, error);
    open(fresh);
    execute("PRAGMA journal_mode=WAL");
    execute("PRAGMA synchronous=FULL");
    execute(kSchemaParts);
    sqlite3_close(std::exchange(db, nullptr));  // folds the log into the file
    std::filesystem::rename(fresh, path, error);
    if (error) throw Error(Code::kInvalidArgument, fmt::format("{}: {}", path.string(), error.message()));
  }

  void open(const std::filesystem::path& file) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (const int status = sqlite3_open_v2(file.c_str(), &db, flags, nullptr); status != SQLITE_OK) {
      fail(status, "open");
    }
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, kBusyWaitMs);
  }

  sqlite3_stmt* prepare(std::string_view sql) {
    if (const auto found = statements.find(sql); found != statements.end()) return found->second;
    sqlite3_stmt* statement = nullptr;
    const int status = sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                          &statement, nullptr);
    if (status != SQLITE_OK) fail(status, sql);
    statements.emplace(*texts.emplace_back(std::make_unique<std::string>(sql)), statement);
    return statement;
  }

  template <class Each>
  void step_all(std::string_view sql, const std::vector<Value>& values, const Each& each) {
    sqlite3_stmt* statement = prepare(sql);
    const Use use(statement);
    if (sqlite3_bind_parameter_count(statement) != static_cast<int>(values.size())) {
      throw Error(Code::kInternal, fmt::format("database: {} values for: {}", values.size(), sql));
    }
    for (size_t i = 0; i < values.size(); ++i) bind(statement, static_cast<int>(i + 1), values[i]);
    for (;;) {
      const int status = sqlite3_step(statement);
      if (status == SQLITE_DONE) return;
      if (status != SQLITE_ROW) fail(status, sql);
      each(statement);
    }
  }
};

class Sqlite final : public Driver {
 public:
  explicit Sqlite(const std::string& file) : name_(file) {
    const std::filesystem::path path(file);
    std::error_code error;
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
    if (error) throw Error(Code::kInvalidArgument, fmt::format("{}: {}", path.parent_path().string(), error.message()));
    db_.path = path;
    db_.lock_for_this_process();
    db_.begin_if_new();
    db_.open(path);
    // The log keeps readers of a backup from blocking us; FULL: what was acknowledged survives a power cut.
    db_.execute("PRAGMA journal_mode=WAL");
    db_.execute("PRAGMA synchronous=FULL");
    db_.execute("PRAGMA mmap_size=0");
    db_.execute("PRAGMA foreign_keys=ON");
    db_.execute(kSchemaParts);
  }

  const std::string& name() const noexcept override { return name_; }
  bool shared() const noexcept override { return false; }
  const std::string& side(const Step& step) const noexcept override { return step.sqlite; }
  void script(const std::string& sql) override { db_.execute(sql.c_str()); }

  int64_t run(std::string_view sql, const std::vector<Value>& values, Durability durability) override {
    std::lock_guard lock(db_.mutex);
    if (durability == Durability::kNow || db_.depth > 0) return run(sql, values);
    db_.execute("PRAGMA synchronous=NORMAL");  // WAL: the commit is written to the log, and synced with the next one
    struct Restore {
      Connection& db;
      ~Restore() { sqlite3_exec(db.db, "PRAGMA synchronous=FULL", nullptr, nullptr, nullptr); }
    } const restore{db_};
    return run(sql, values);
  }

  std::vector<Row> query(std::string_view sql, const std::vector<Value>& values) override {
    std::lock_guard lock(db_.mutex);
    std::vector<Row> rows;
    std::shared_ptr<std::vector<std::string>> names;
    db_.step_all(sql, values, [&](sqlite3_stmt* statement) {
      const int count = sqlite3_column_count(statement);
      if (!names) {
        names = std::make_shared<std::vector<std::string>>();
        for (int i = 0; i < count; ++i) names->emplace_back(sqlite3_column_name(statement, i));
      }
      std::vector<Value> columns;
      columns.reserve(static_cast<size_t>(count));
      for (int i = 0; i < count; ++i) columns.push_back(column_value(statement, i));
      rows.emplace_back(names, std::move(columns));
    });
    return rows;
  }

  void transaction(const std::function<void()>& work, Isolation) override {
    std::lock_guard lock(db_.mutex);
    if (db_.depth > 0) return work();
    db_.execute("BEGIN IMMEDIATE");
    ++db_.depth;
    try {
      work();
      --db_.depth;
      db_.execute("COMMIT");
    } catch (...) {
      db_.depth = 0;
      // A full disk or a damaged page may have rolled back already; then there is nothing left to undo.
      if (!sqlite3_get_autocommit(db_.db)) sqlite3_exec(db_.db, "ROLLBACK", nullptr, nullptr, nullptr);
      throw;
    }
  }

  std::string_view seconds_now() const noexcept override { return "((julianday('now') - 2440587.5) * 86400)"; }

  // The trigram index finds any part of a word of any language from three characters on; shorter searches walk the
  // text.
  Condition contains(const TextIndex& index, const std::string& text) const override {
    const auto characters = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
    if (characters < 3) return {fmt::format("{} LIKE ? ESCAPE '\\'", index.column), anywhere(text)};
    return {fmt::format("rowid IN (SELECT rowid FROM {0} WHERE {0} MATCH ?)", index.name), phrase(text)};
  }

 private:
  int64_t run(std::string_view sql, const std::vector<Value>& values) {
    db_.step_all(sql, values, [](sqlite3_stmt*) {});
    return sqlite3_changes64(db_.db);
  }

  std::string name_;
  Connection db_;
};

}  // namespace

std::unique_ptr<Driver> open_sqlite(const std::string& file) { return std::make_unique<Sqlite>(file); }

std::string sqlite_text_index(const TextIndex& index) {
  constexpr std::string_view kAdd = "INSERT INTO {0} (rowid, {2}) VALUES (new.rowid, new.{2});";
  constexpr std::string_view kTake = "INSERT INTO {0} ({0}, rowid, {2}) VALUES ('delete', old.rowid, old.{2});";
  const auto filled = [&](std::string_view text) {
    return fmt::format(fmt::runtime(text), index.name, index.table, index.column);
  };
  return filled("CREATE VIRTUAL TABLE {0} USING fts5({2}, content='{1}', tokenize='trigram');") +
         filled("CREATE TRIGGER {0}_added AFTER INSERT ON {1} BEGIN ") + filled(kAdd) + " END;" +
         filled("CREATE TRIGGER {0}_gone AFTER DELETE ON {1} BEGIN ") + filled(kTake) + " END;" +
         filled("CREATE TRIGGER {0}_changed AFTER UPDATE OF {2} ON {1} BEGIN ") + filled(kTake) + filled(kAdd) + " END";
}

std::string_view sqlite_version() noexcept { return sqlite3_libversion(); }

}  // namespace shenbi::store
