#include "store/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/error.h"

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

constexpr const char* kSchemaParts =
    "CREATE TABLE IF NOT EXISTS schema_parts (part TEXT PRIMARY KEY, steps INTEGER NOT NULL)";

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

}  // namespace

// --- rows ---

const Value& Row::at(std::string_view column) const {
  for (size_t i = 0; i < names_->size(); ++i) {
    if ((*names_)[i] == column) return values_[i];
  }
  throw Error(Code::kInternal, fmt::format("database: no column '{}' in this answer", column));
}

bool Row::is_null(std::string_view column) const { return std::holds_alternative<std::nullptr_t>(at(column)); }

int64_t Row::integer(std::string_view column) const {
  const Value& value = at(column);
  if (const auto* i = std::get_if<int64_t>(&value)) return *i;
  if (const auto* d = std::get_if<double>(&value)) return static_cast<int64_t>(*d);
  return 0;
}

double Row::real(std::string_view column) const {
  const Value& value = at(column);
  if (const auto* d = std::get_if<double>(&value)) return *d;
  if (const auto* i = std::get_if<int64_t>(&value)) return static_cast<double>(*i);
  return 0;
}

std::string Row::text(std::string_view column) const {
  const Value& value = at(column);
  if (const auto* s = std::get_if<std::string>(&value)) return *s;
  if (const auto* b = std::get_if<Blob>(&value)) return b->bytes;
  if (const auto* i = std::get_if<int64_t>(&value)) return fmt::to_string(*i);
  return {};
}

// --- the connection ---

struct Database::Impl {
  std::filesystem::path path;
  int lock_file = -1;
  sqlite3* db = nullptr;
  std::recursive_mutex mutex;  // recursive: a transaction's work runs statements
  int depth = 0;               // of transaction()
  std::unordered_map<std::string_view, sqlite3_stmt*>
      statements;  // keys are constants of the program, or kept in texts
  std::vector<std::unique_ptr<std::string>> texts;

  ~Impl() {
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

Database::Database(const std::filesystem::path& path) : impl_(std::make_unique<Impl>()) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (error) throw Error(Code::kInvalidArgument, fmt::format("{}: {}", path.parent_path().string(), error.message()));
  impl_->path = path;
  impl_->lock_for_this_process();
  impl_->begin_if_new();
  impl_->open(path);
  // The log keeps readers of a backup from blocking us; FULL: what was acknowledged survives a power cut.
  impl_->execute("PRAGMA journal_mode=WAL");
  impl_->execute("PRAGMA synchronous=FULL");
  impl_->execute("PRAGMA mmap_size=0");
  impl_->execute("PRAGMA foreign_keys=ON");
  impl_->execute(kSchemaParts);
}

Database::~Database() = default;

void Database::migrate(std::string_view part, const std::vector<std::string_view>& steps) {
  transaction([&] {
    const auto rows = query("SELECT steps FROM schema_parts WHERE part = ?", {std::string(part)});
    const auto done = rows.empty() ? size_t{0} : static_cast<size_t>(rows[0].integer("steps"));
    if (done > steps.size()) {
      throw Error(Code::kUnsupported,
                  fmt::format("{}: '{}' was written by a newer shenbi (schema {}, this one knows {})",
                              impl_->path.string(), part, done, steps.size()));
    }
    for (size_t i = done; i < steps.size(); ++i) impl_->execute(std::string(steps[i]).c_str());
    run("INSERT INTO schema_parts (part, steps) VALUES (?, ?) ON CONFLICT (part) DO UPDATE SET steps = excluded.steps",
        {std::string(part), static_cast<int64_t>(steps.size())});
  });
}

int64_t Database::run(std::string_view sql, const std::vector<Value>& values) {
  std::lock_guard lock(impl_->mutex);
  impl_->step_all(sql, values, [](sqlite3_stmt*) {});
  return sqlite3_changes64(impl_->db);
}

int64_t Database::run_soon(std::string_view sql, const std::vector<Value>& values) {
  std::lock_guard lock(impl_->mutex);
  if (impl_->depth > 0) return run(sql, values);
  impl_->execute("PRAGMA synchronous=NORMAL");  // WAL: the commit is written to the log, and synced with the next one
  struct Restore {
    Impl& impl;
    ~Restore() { sqlite3_exec(impl.db, "PRAGMA synchronous=FULL", nullptr, nullptr, nullptr); }
  } const restore{*impl_};
  return run(sql, values);
}

std::vector<Row> Database::query(std::string_view sql, const std::vector<Value>& values) {
  std::lock_guard lock(impl_->mutex);
  std::vector<Row> rows;
  std::shared_ptr<std::vector<std::string>> names;
  impl_->step_all(sql, values, [&](sqlite3_stmt* statement) {
    const int count = sqlite3_column_count(statement);
    if (!names) {
      names = std::make_shared<std::vector<std::string>>();
      for (int i = 0; i < count; ++i) names->emplace_back(sqlite3_column_name(statement, i));
    }
    Row& row = rows.emplace_back();
    row.names_ = names;
    for (int i = 0; i < count; ++i) row.values_.push_back(column_value(statement, i));
  });
  return rows;
}

int64_t Database::last_id() const {
  std::lock_guard lock(impl_->mutex);
  return sqlite3_last_insert_rowid(impl_->db);
}

void Database::transaction(const std::function<void()>& work) {
  std::lock_guard lock(impl_->mutex);
  if (impl_->depth > 0) return work();
  impl_->execute("BEGIN IMMEDIATE");
  ++impl_->depth;
  try {
    work();
    --impl_->depth;
    impl_->execute("COMMIT");
  } catch (...) {
    impl_->depth = 0;
    // A full disk or a damaged page may have rolled back already; then there is nothing left to undo.
    if (!sqlite3_get_autocommit(impl_->db)) sqlite3_exec(impl_->db, "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

std::string_view sqlite_version() noexcept { return sqlite3_libversion(); }

}  // namespace shenbi::store
