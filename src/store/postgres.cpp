// PostgreSQL's side: a few connections, lent to one call or transaction at a time.

#include <fmt/format.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "store/driver.h"
#include "store/postgres_connection.h"
#include "store/postgres_sql.h"

namespace shenbi::store {
namespace {

using Clock = std::chrono::steady_clock;

// A server takes 100 by default; so a dozen instances fit, and no thread waits for another one's short question.
constexpr size_t kMaxConnections = 8;
constexpr std::chrono::seconds kLendTime{10};
// A server that is started again takes a moment. Beyond this whoever asks is told, and for a second everybody is told
// at once: threads that answer others must not all wait.
constexpr std::chrono::milliseconds kPauses[] = {std::chrono::milliseconds(50), std::chrono::milliseconds(200)};
constexpr std::chrono::seconds kStaysAway{1};
constexpr std::chrono::seconds kShortTime{30}, kSchemaTime{600};
constexpr int64_t kAloneLock = 0x5368656e6269;  // "Shenbi": pg_advisory_xact_lock

class Postgres final : public Driver {
 public:
  explicit Postgres(const std::string& address) : place_(PostgresPlace::of(address)) {
    transaction([&] { script(kSchemaParts); }, Isolation::kAlone);
  }

  const std::string& name() const noexcept override { return place_.name; }
  bool shared() const noexcept override { return true; }
  const std::string& side(const Step& step) const noexcept override { return step.postgres; }

  void script(const std::string& sql) override {
    const std::string words = postgres_schema(sql);
    if (words.empty()) return;
    Lent lent(*this);
    lent->simple("SET LOCAL statement_timeout = 0", kShortTime);
    lent->simple(words, kSchemaTime);
  }

  int64_t run(std::string_view sql, const std::vector<Value>& values, Durability) override {
    Lent lent(*this);
    return lent->execute(sql, values).changed;
  }

  std::vector<Row> query(std::string_view sql, const std::vector<Value>& values) override {
    const bool only_reads = sql.starts_with("SELECT");
    for (bool again = true;; again = false) {
      Lent lent(*this);
      try {
        return lent->execute(sql, values).rows;
      } catch (const Lost&) {
        if (!again || !only_reads || lent.in_transaction()) throw;
      }
    }
  }

  void transaction(const std::function<void()>& work, Isolation isolation) override {
    if (held()) return work();
    const std::string begin =
        isolation == Isolation::kAlone ? fmt::format("BEGIN; SELECT pg_advisory_xact_lock({})", kAloneLock) : "BEGIN";
    ConnectionPtr connection = begun(begin);
    const Holding holding(*this, connection);
    try {
      work();
    } catch (...) {
      if (connection->alive()) {
        try {
          connection->simple("ROLLBACK", kShortTime);
        } catch (const Error&) {  // the end of the connection is the end of the transaction
        }
      }
      throw;
    }
    std::string tag;
    try {
      tag = connection->simple("COMMIT", kShortTime);
    } catch (const Lost& error) {
      throw Error(Code::kUnavailable,
                  fmt::format("{}; whether what was written last is kept is not known", error.what()));
    }
    if (tag != "COMMIT") {
      throw Error(Code::kInternal, fmt::format("database {}: a statement of the transaction had failed", place_.name));
    }
  }

  std::string_view seconds_now() const noexcept override { return "(extract(epoch FROM clock_timestamp())::float8)"; }

  Condition contains(const TextIndex& index, const std::string& text) const override {
    return {fmt::format("{} LIKE ? ESCAPE '\\'", index.column), anywhere(text)};
  }

 private:
  using ConnectionPtr = std::shared_ptr<PostgresConnection>;

  // The thread's transaction's connection, or one of the idle ones for as long as this lives.
  class Lent {
   public:
    explicit Lent(Postgres& owner) : owner_(owner), connection_(owner.held()), in_transaction_(connection_ != nullptr) {
      if (!in_transaction_) connection_ = owner_.take();
    }
    ~Lent() {
      if (!in_transaction_) owner_.give_back(std::move(connection_));
    }
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;
    PostgresConnection* operator->() const { return connection_.get(); }
    bool in_transaction() const { return in_transaction_; }

   private:
    Postgres& owner_;
    ConnectionPtr connection_;
    bool in_transaction_;
  };

  // Statements of this thread go to the connection of its transaction.
  class Holding {
   public:
    Holding(Postgres& owner, const ConnectionPtr& connection) : owner_(owner) {
      const std::lock_guard lock(owner_.mutex_);
      owner_.held_[std::this_thread::get_id()] = connection;
    }
    ~Holding() {
      ConnectionPtr connection;
      {
        const std::lock_guard lock(owner_.mutex_);
        const auto found = owner_.held_.find(std::this_thread::get_id());
        connection = std::move(found->second);
        owner_.held_.erase(found);
      }
      owner_.give_back(std::move(connection));
    }
    Holding(const Holding&) = delete;
    Holding& operator=(const Holding&) = delete;

   private:
    Postgres& owner_;
  };

  ConnectionPtr held() {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(std::this_thread::get_id());
    return found == held_.end() ? nullptr : found->second;
  }

  ConnectionPtr take() {
    {
      std::unique_lock lock(mutex_);
      if (!free_.wait_for(lock, kLendTime, [&] { return lent_ < kMaxConnections; }))
        throw Error(Code::kUnavailable, fmt::format("database {}: all {} connections are in use", place_.name, lent_));
      ++lent_;
      while (!idle_.empty()) {
        ConnectionPtr one = std::move(idle_.back());
        idle_.pop_back();
        if (one->alive()) return one;
      }
    }
    try {
      return connect();
    } catch (...) {
      give_back(nullptr);
      throw;
    }
  }

  void give_back(ConnectionPtr connection) {
    const bool good = connection && connection->alive();
    const std::lock_guard lock(mutex_);
    --lent_;
    if (good) idle_.push_back(std::move(connection));
    free_.notify_one();
  }

  ConnectionPtr connect() {
    {
      const std::lock_guard lock(mutex_);
      if (!away_.empty() && Clock::now() < away_until_) throw Lost(away_);
    }
    for (size_t attempt = 0;; ++attempt) {
      try {
        auto made = std::make_shared<PostgresConnection>(place_);
        const std::lock_guard lock(mutex_);
        if (!std::exchange(away_, "").empty()) log_warn("database {}: it is back", place_.name);
        return made;
      } catch (const Lost& error) {
        if (attempt < std::size(kPauses)) {
          std::this_thread::sleep_for(kPauses[attempt]);
          continue;
        }
        const std::lock_guard lock(mutex_);
        if (away_.empty()) log_warn("{}", error.what());
        away_ = error.what();
        away_until_ = Clock::now() + kStaysAway;
        throw;
      }
    }
  }

  // A transaction that has not begun can be begun again.
  ConnectionPtr begun(const std::string& words) {
    for (bool again = true;; again = false) {
      ConnectionPtr connection = take();
      try {
        connection->simple(words, kShortTime);
        return connection;
      } catch (const Lost&) {
        give_back(std::move(connection));
        if (!again) throw;
      } catch (...) {
        try {
          connection->simple("ROLLBACK", kShortTime);
        } catch (const Error&) {  // it is not alive then, and not lent again
        }
        give_back(std::move(connection));
        throw;
      }
    }
  }

  const PostgresPlace place_;
  std::mutex mutex_;
  std::condition_variable free_;
  std::vector<ConnectionPtr> idle_;
  std::map<std::thread::id, ConnectionPtr> held_;
  size_t lent_ = 0;
  std::string away_;  // why no connection could be made
  Clock::time_point away_until_{};
};

}  // namespace

std::unique_ptr<Driver> open_postgres(const std::string& address) { return std::make_unique<Postgres>(address); }

// pg_trgm comes with Debian's package. Where it may not be installed a search walks the texts.
std::string postgres_text_index(const TextIndex& index) {
  return fmt::format(
      "DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE INDEX {} ON {} USING gin ({} gin_trgm_ops); "
      "EXCEPTION WHEN insufficient_privilege OR undefined_file OR undefined_object OR feature_not_supported THEN "
      "RAISE WARNING 'search walks all texts: pg_trgm cannot be installed in this database (%)', SQLERRM; END $$",
      index.name, index.table, index.column);
}

}  // namespace shenbi::store
