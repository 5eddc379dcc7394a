#include "ledger/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"

namespace shenbi::ledger {
namespace {

using store::Value;

// A commit waits for the disk, some milliseconds; ten a second are enough for nobody to notice the delay.
constexpr std::chrono::milliseconds kCommitEvery{100};
constexpr std::chrono::seconds kTryAgain{1};  // after a full disk
constexpr size_t kMaxBatch = 5'000;           // holds the database for some 50 ms
constexpr size_t kMaxSums = 50'000;           // of one question; a year of a hundred models by day has 36,500
constexpr size_t kMaxErrorBytes = 500, kMaxUsageBytes = 4096;

constexpr std::string_view kRows =
    "CREATE TABLE ledger (id INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, day TEXT NOT NULL, request_id TEXT NOT "
    "NULL, "
    "caller TEXT NOT NULL, wanted TEXT NOT NULL, upstream TEXT NOT NULL, model TEXT NOT NULL, attempt INTEGER NOT "
    "NULL, "
    "prompt_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, "
    "reasoning_tokens INTEGER NOT NULL, cost_nano_usd INTEGER, first_token_s REAL NOT NULL, total_s REAL NOT NULL, "
    "outcome TEXT NOT NULL, status INTEGER NOT NULL, error TEXT NOT NULL, raw_usage TEXT NOT NULL)";
constexpr std::string_view kDays =
    "CREATE TABLE ledger_days (day TEXT NOT NULL, caller TEXT NOT NULL, upstream TEXT NOT NULL, model TEXT NOT NULL, "
    "calls INTEGER NOT NULL, failed INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, "
    "completion_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL, cost_nano_usd INTEGER NOT NULL, "
    "unpriced INTEGER NOT NULL, PRIMARY KEY (day, caller, upstream, model)) WITHOUT ROWID";

constexpr std::string_view kOpen =
    "CREATE TABLE ledger_open (id INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, request_id TEXT NOT NULL, caller TEXT "
    "NOT NULL, wanted TEXT NOT NULL, upstream TEXT NOT NULL, model TEXT NOT NULL, attempt INTEGER NOT NULL, "
    "prompt_tokens INTEGER NOT NULL, cost_nano_usd INTEGER)";
constexpr std::string_view kLeftOpen = "the program ended while this was answered";

int64_t number(uint64_t value) { return static_cast<int64_t>(std::min<uint64_t>(value, INT64_MAX)); }

struct Where {
  std::string sql = " WHERE 1 = 1";
  std::vector<Value> values;
  void add(std::string_view condition, const std::string& value) {
    if (value.empty()) return;
    sql += fmt::format(" AND {}", condition);
    values.emplace_back(value);
  }
};

Where where(const Filter& filter) {
  Where result;
  result.add("day >= ?", filter.from_day);
  result.add("day <= ?", filter.to_day);
  result.add("caller = ?", filter.caller);
  result.add("upstream = ?", filter.upstream);
  result.add("model = ?", filter.model);
  return result;
}

std::string_view column(Ledger::By by) {
  switch (by) {
    case Ledger::By::kDay:
      return "day";
    case Ledger::By::kCaller:
      return "caller";
    case Ledger::By::kUpstream:
      return "upstream";
    case Ledger::By::kModel:
      return "model";
  }
  return "day";
}

Outcome outcome_of(std::string_view name) {
  for (const Outcome outcome : {Outcome::kSettled, Outcome::kEstimated, Outcome::kAborted}) {
    if (outcome_name(outcome) == name) return outcome;
  }
  return Outcome::kFailed;
}

}  // namespace

std::string day_of(int64_t time_s) {
  const std::time_t time = time_s;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

std::string_view outcome_name(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::kSettled:
      return "settled";
    case Outcome::kEstimated:
      return "estimated";
    case Outcome::kAborted:
      return "aborted";
    case Outcome::kFailed:
      return "failed";
  }
  return "";
}

Ledger::Ledger(store::Database& database, size_t most_waiting) : database_(database), most_waiting_(most_waiting) {
  database_.migrate("ledger", {kRows, kDays, "CREATE INDEX ledger_by_day ON ledger (day)",
                               "ALTER TABLE ledger ADD COLUMN cache_write_tokens INTEGER NOT NULL DEFAULT 0",
                               "ALTER TABLE ledger_days ADD COLUMN cache_write_tokens INTEGER NOT NULL DEFAULT 0",
                               kOpen, "CREATE INDEX ledger_by_caller ON ledger (caller, day)",
                               "CREATE INDEX ledger_by_model ON ledger (model, day)"});
  close_open_calls();
  writer_ = std::thread([this] { work(); });
}

Ledger::~Ledger() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  more_.notify_all();
  writer_.join();
}

void Ledger::close_open_calls() {
  std::vector<Row> left;
  for (const store::Row& row : database_.query("SELECT * FROM ledger_open ORDER BY id")) {
    Row& one = left.emplace_back(Row{.time_s = row.integer("time_s"),
                                     .request_id = row.text("request_id"),
                                     .caller = row.text("caller"),
                                     .wanted = row.text("wanted"),
                                     .upstream = row.text("upstream"),
                                     .model = row.text("model"),
                                     .attempt = static_cast<uint32_t>(row.integer("attempt")),
                                     .prompt_tokens = static_cast<uint64_t>(row.integer("prompt_tokens")),
                                     .outcome = Outcome::kAborted,
                                     .error = std::string(kLeftOpen),
                                     .raw_usage = {},
                                     .begun = static_cast<uint64_t>(row.integer("id"))});
    if (!row.is_null("cost_nano_usd")) one.cost_nano_usd = row.integer("cost_nano_usd");
    next_open_ = one.begun + 1;
  }
  if (left.empty()) return;
  try {
    write(left);
  } catch (const std::exception& error) {  // a full disk: they stay noted for the next start
    return log_warn("{} calls of the last process cannot be written: {}", left.size(), error.what());
  }
  found_open_ = left.size();
  log_warn("{} calls were open when the program ended last time: they are in the ledger with their prompts",
           left.size());
}

void Ledger::begin(const Row& call) {
  try {
    database_.run_soon(
        "INSERT INTO ledger_open (id, time_s, request_id, caller, wanted, upstream, model, attempt, prompt_tokens, "
        "cost_nano_usd) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {number(call.begun), call.time_s, call.request_id, call.caller, call.wanted, call.upstream, call.model,
         int64_t{call.attempt}, number(call.prompt_tokens),
         call.cost_nano_usd ? Value(*call.cost_nano_usd) : Value(nullptr)});
  } catch (const std::exception& error) {  // a full disk holds no answer up
    log_warn("a call could not be noted before it began: {}", error.what());
  }
}

bool Ledger::add(Row row) {
  if (row.error.size() > kMaxErrorBytes) row.error.resize(kMaxErrorBytes);
  if (row.raw_usage.size() > kMaxUsageBytes) row.raw_usage.clear();
  std::lock_guard lock(mutex_);
  if (queue_.size() >= most_waiting_) {
    if (lost_++ == 0) log_warn("the ledger has no room: rows are lost");
    return false;
  }
  queue_.push_back(std::move(row));
  ++added_;
  if (queue_.size() == 1) more_.notify_one();
  return true;
}

Ledger::Counts Ledger::counts() const {
  std::lock_guard lock(mutex_);
  return {committed_, lost_, added_ - committed_};
}

bool Ledger::flush() {
  std::unique_lock lock(mutex_);
  const uint64_t wanted = added_;
  hurry_ = true;
  more_.notify_all();
  written_.wait(lock, [&] { return committed_ >= wanted || !trouble_.empty(); });
  return committed_ >= wanted;
}

void Ledger::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    more_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    // A batch gathers meanwhile, unless somebody waits for it.
    more_.wait_for(lock, kCommitEvery, [&] { return stopping_ || hurry_ || queue_.size() >= kMaxBatch; });
    const size_t count = std::min(queue_.size(), kMaxBatch);
    std::vector<Row> batch(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.begin() + count));
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(count));
    std::string trouble;
    lock.unlock();
    try {
      write(batch);
    } catch (const std::exception& error) {
      trouble = error.what();
    }
    lock.lock();
    if (trouble != trouble_ && !trouble.empty()) log_warn("the ledger cannot be written: {}", trouble);
    trouble_ = trouble;
    if (trouble.empty()) {
      committed_ += batch.size();
      if (queue_.empty()) hurry_ = false;
      written_.notify_all();
      continue;
    }
    if (stopping_) {
      log_warn("{} rows of the ledger are lost: {}", batch.size() + queue_.size(), trouble);
      lost_ += batch.size() + queue_.size();
      committed_ = added_;
      queue_.clear();
      written_.notify_all();
      return;
    }
    written_.notify_all();
    queue_.insert(queue_.begin(), std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
    more_.wait_for(lock, kTryAgain, [&] { return stopping_; });
  }
}

void Ledger::write(const std::vector<Row>& batch) {
  database_.transaction([&] {
    for (const Row& row : batch) {
      if (row.begun > 0) database_.run("DELETE FROM ledger_open WHERE id = ?", {number(row.begun)});
      const std::string day = day_of(row.time_s);
      const int64_t failed = row.outcome == Outcome::kFailed;
      const Value cost = row.cost_nano_usd ? Value(*row.cost_nano_usd) : Value(nullptr);
      database_.run(
          "INSERT INTO ledger (time_s, day, request_id, caller, wanted, upstream, model, attempt, prompt_tokens, "
          "cached_tokens, completion_tokens, reasoning_tokens, cost_nano_usd, first_token_s, total_s, outcome, status, "
          "error, raw_usage, cache_write_tokens) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          {row.time_s,
           day,
           row.request_id,
           row.caller,
           row.wanted,
           row.upstream,
           row.model,
           int64_t{row.attempt},
           number(row.prompt_tokens),
           number(row.cached_tokens),
           number(row.completion_tokens),
           number(row.reasoning_tokens),
           cost,
           row.first_token_s,
           row.total_s,
           std::string(outcome_name(row.outcome)),
           int64_t{row.status},
           row.error,
           row.raw_usage,
           number(row.cache_write_tokens)});
      database_.run(
          "INSERT INTO ledger_days (day, caller, upstream, model, calls, failed, prompt_tokens, cached_tokens, "
          "completion_tokens, reasoning_tokens, cost_nano_usd, unpriced, cache_write_tokens) "
          "VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?) "
          "ON CONFLICT (day, caller, upstream, model) DO UPDATE SET "
          "calls = ledger_days.calls + excluded.calls, "
          "failed = ledger_days.failed + excluded.failed, "
          "prompt_tokens = ledger_days.prompt_tokens + excluded.prompt_tokens, "
          "cached_tokens = ledger_days.cached_tokens + excluded.cached_tokens, "
          "completion_tokens = ledger_days.completion_tokens + excluded.completion_tokens, "
          "reasoning_tokens = ledger_days.reasoning_tokens + excluded.reasoning_tokens, "
          "cost_nano_usd = ledger_days.cost_nano_usd + excluded.cost_nano_usd, "
          "unpriced = ledger_days.unpriced + excluded.unpriced, "
          "cache_write_tokens = ledger_days.cache_write_tokens + excluded.cache_write_tokens",
          {day, row.caller, row.upstream, row.model, failed, number(row.prompt_tokens), number(row.cached_tokens),
           number(row.completion_tokens), number(row.reasoning_tokens), row.cost_nano_usd.value_or(0),
           int64_t{!row.cost_nano_usd}, number(row.cache_write_tokens)});
    }
  });
}

std::vector<Sum> Ledger::sums(const Filter& filter, const std::vector<By>& by) {
  std::string columns, group;
  for (const By one : by) {
    columns += fmt::format("{}, ", column(one));
    group += fmt::format("{}{}", group.empty() ? " GROUP BY " : ", ", column(one));
  }
  const std::string order = group.empty() ? "" : " ORDER BY " + group.substr(sizeof " GROUP BY " - 1);
  const Where chosen = where(filter);
  std::vector<Sum> all;
  for (const store::Row& row : database_.query(
           fmt::format(
               "SELECT {}sum(calls) AS calls, sum(failed) AS failed, sum(prompt_tokens) AS prompt, sum(cached_tokens) "
               "AS "
               "cached, sum(completion_tokens) AS completion, sum(reasoning_tokens) AS reasoning, sum(cost_nano_usd) "
               "AS cost, sum(cache_write_tokens) AS cache_write, sum(unpriced) AS unpriced FROM ledger_days{}{}{} "
               "LIMIT {}",
               columns, chosen.sql, group, order, kMaxSums + 1),
           chosen.values)) {
    Sum sum;
    for (const By one : by) {
      std::string& field = one == By::kDay        ? sum.day
                           : one == By::kCaller   ? sum.caller
                           : one == By::kUpstream ? sum.upstream
                                                  : sum.model;
      field = row.text(column(one));
    }
    sum.calls = static_cast<uint64_t>(row.integer("calls"));
    sum.failed = static_cast<uint64_t>(row.integer("failed"));
    sum.prompt_tokens = static_cast<uint64_t>(row.integer("prompt"));
    sum.cached_tokens = static_cast<uint64_t>(row.integer("cached"));
    sum.completion_tokens = static_cast<uint64_t>(row.integer("completion"));
    sum.reasoning_tokens = static_cast<uint64_t>(row.integer("reasoning"));
    sum.cache_write_tokens = static_cast<uint64_t>(row.integer("cache_write"));
    sum.cost_nano_usd = row.integer("cost");
    sum.unpriced = static_cast<uint64_t>(row.integer("unpriced"));
    all.push_back(std::move(sum));
  }
  if (all.size() > kMaxSums)
    throw Error(Code::kInvalidArgument,
                fmt::format("usage: more than {} rows; ask for fewer days or fields", kMaxSums));
  return all;
}

std::vector<Row> Ledger::rows(const Filter& filter, int64_t before, uint32_t limit) {
  Where chosen = where(filter);
  if (before > 0) {
    const auto last = database_.query("SELECT day FROM ledger WHERE id = ?", {before});
    const std::string day = last.empty() ? "9" : last[0].text("day");  // "9": behind every day
    chosen.sql += " AND day <= ? AND (day < ? OR id < ?)";
    chosen.values.insert(chosen.values.end(), {day, last.empty() ? "0" : day, before});
  }
  chosen.values.emplace_back(int64_t{limit});
  // In the order of an index: of a million rows only those are read that are told.
  std::vector<Row> all;
  for (const store::Row& row :
       database_.query("SELECT * FROM ledger" + chosen.sql + " ORDER BY day DESC, id DESC LIMIT ?", chosen.values)) {
    Row one{.id = row.integer("id"),
            .time_s = row.integer("time_s"),
            .request_id = row.text("request_id"),
            .caller = row.text("caller"),
            .wanted = row.text("wanted"),
            .upstream = row.text("upstream"),
            .model = row.text("model"),
            .attempt = static_cast<uint32_t>(row.integer("attempt")),
            .prompt_tokens = static_cast<uint64_t>(row.integer("prompt_tokens")),
            .cached_tokens = static_cast<uint64_t>(row.integer("cached_tokens")),
            .cache_write_tokens = static_cast<uint64_t>(row.integer("cache_write_tokens")),
            .completion_tokens = static_cast<uint64_t>(row.integer("completion_tokens")),
            .reasoning_tokens = static_cast<uint64_t>(row.integer("reasoning_tokens")),
            .first_token_s = row.real("first_token_s"),
            .total_s = row.real("total_s"),
            .outcome = outcome_of(row.text("outcome")),
            .status = static_cast<int>(row.integer("status")),
            .error = row.text("error"),
            .raw_usage = row.text("raw_usage")};
    if (!row.is_null("cost_nano_usd")) one.cost_nano_usd = row.integer("cost_nano_usd");
    all.push_back(std::move(one));
  }
  return all;
}

std::string Ledger::trouble() const {
  std::lock_guard lock(mutex_);
  return trouble_;
}

}  // namespace shenbi::ledger
