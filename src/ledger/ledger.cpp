#include "ledger/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <tuple>

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "store/instances.h"

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
constexpr std::string_view kOpenOfMany =
    "ALTER TABLE ledger_open ADD COLUMN instance INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE ledger_open ADD COLUMN most_nano_usd INTEGER;"
    "ALTER TABLE ledger_open ADD COLUMN most_tokens INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE ledger_batches (instance INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (instance)) "
    "WITHOUT ROWID";
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
                               "CREATE INDEX ledger_by_model ON ledger (model, day)", kOpenOfMany,
                               "ALTER TABLE ledger ADD COLUMN cached_answer INTEGER NOT NULL DEFAULT 0",
                               "ALTER TABLE ledger_days ADD COLUMN cached_answers INTEGER NOT NULL DEFAULT 0"});
  instance_ = database_.instances().own();
  try {
    close_open_calls(instance_);
  } catch (const std::exception& error) {  // a full disk: they stay noted for the next start
    log_warn("calls of the last process cannot be written: {}", error.what());
  }
  gone_ = database_.instances().on_gone([this](int64_t instance) { close_open_calls(instance); });
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

void Ledger::close_open_calls(int64_t instance) {
  std::vector<Row> left;
  for (const store::Row& row :
       database_.query("SELECT * FROM ledger_open WHERE instance = ? ORDER BY id", {instance})) {
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
  }
  if (left.empty()) return;
  database_.bulk([&] { insert(left); });
  found_open_ += left.size();
  log_warn("{} calls were open when the program ended last time: they are in the ledger with their prompts",
           left.size());
}

// In front the number of the program. Where the database is a file that is always 1, and calls of its last run may not
// be written yet.
uint64_t Ledger::next_call() {
  if (next_open_ == 0) {
    const auto last = database_.query("SELECT max(id) AS id FROM ledger_open WHERE instance = ?", {instance_});
    const uint64_t first = (static_cast<uint64_t>(instance_) << 32) + 1;
    uint64_t nothing = 0;
    next_open_.compare_exchange_strong(nothing, std::max(first, static_cast<uint64_t>(last[0].integer("id")) + 1));
  }
  return next_open_++;
}

void Ledger::begin(const Row& call, const Charge& most) {
  const auto or_null = [](const std::optional<int64_t>& cost) { return cost ? Value(*cost) : Value(nullptr); };
  database_.run_soon(
      "INSERT INTO ledger_open (id, time_s, request_id, caller, wanted, upstream, model, attempt, prompt_tokens, "
      "cost_nano_usd, instance, most_nano_usd, most_tokens) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {number(call.begun), call.time_s, call.request_id, call.caller, call.wanted, call.upstream, call.model,
       int64_t{call.attempt}, number(call.prompt_tokens), or_null(call.cost_nano_usd), database_.instances().own(),
       or_null(most.nano_usd), number(most.tokens)});
}

Ledger::Standing Ledger::standing(const std::set<std::string>& days) {
  std::string sql =
      "SELECT '' AS since, id, caller, time_s, most_nano_usd AS cost, most_tokens AS tokens, 0 AS unpriced FROM "
      "ledger_open";
  if (!days.empty()) {
    std::string list;
    for (size_t i = 0; i < days.size(); ++i) list += i == 0 ? "(?)" : ", (?)";
    sql += fmt::format(
        " UNION ALL SELECT first.column1, 0, caller, 0, sum(cost_nano_usd), sum(prompt_tokens) + "
        "sum(completion_tokens), sum(unpriced) FROM (VALUES {}) AS first JOIN ledger_days ON ledger_days.day >= "
        "first.column1 GROUP BY first.column1, caller",
        list);
  }
  Standing all;
  for (const store::Row& row : database_.query(sql, {days.begin(), days.end()})) {
    const auto tokens = static_cast<uint64_t>(row.integer("tokens"));
    if (const std::string since = row.text("since"); !since.empty()) {
      Sum& sum = all.since[since].emplace_back(Sum{.caller = row.text("caller")});
      sum.cost_nano_usd = row.integer("cost");
      sum.prompt_tokens = tokens;
      sum.unpriced = static_cast<uint64_t>(row.integer("unpriced"));
      continue;
    }
    Open& one = all.open.emplace_back(Open{.id = static_cast<uint64_t>(row.integer("id")),
                                           .caller = row.text("caller"),
                                           .day = day_of(row.integer("time_s")),
                                           .most = {.tokens = tokens}});
    if (!row.is_null("cost")) one.most.nano_usd = row.integer("cost");
  }
  return all;
}

void Ledger::on_written(std::function<void()> callback) {
  const std::lock_guard lock(told_mutex_);
  on_written_ = std::move(callback);
}

bool Ledger::add(Row row) {
  if (row.error.size() > kMaxErrorBytes) row.error.resize(kMaxErrorBytes);
  if (row.raw_usage.size() > kMaxUsageBytes) row.raw_usage.clear();
  std::lock_guard lock(mutex_);
  if (queue_.size() + (trouble_.empty() ? 0 : in_hand_) >= most_waiting_) {
    if (lost_++ == 0) log_warn("the ledger has no room: rows are lost");
    return false;
  }
  const bool waited_for = row.begun > 0 && database_.shared();  // all programs count it as open until it is written
  queue_.push_back(std::move(row));
  ++added_;
  hurry_ |= waited_for;
  if (queue_.size() == 1 || waited_for) more_.notify_one();
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
  std::vector<Row> batch;  // stays the same until it is written: it has a number
  for (;;) {
    if (batch.empty()) {
      more_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      // A batch gathers meanwhile, unless somebody waits for it.
      more_.wait_for(lock, kCommitEvery, [&] { return stopping_ || hurry_ || queue_.size() >= kMaxBatch; });
      const auto end = queue_.begin() + static_cast<ptrdiff_t>(std::min(queue_.size(), kMaxBatch));
      batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
      queue_.erase(queue_.begin(), end);
      in_hand_ = batch.size();
      ++batches_;
    }
    std::string trouble;
    lock.unlock();
    try {
      write(batch, batches_);
      tell();
    } catch (const std::exception& error) {
      trouble = error.what();
    }
    lock.lock();
    if (trouble != trouble_ && !trouble.empty()) log_warn("the ledger cannot be written: {}", trouble);
    trouble_ = trouble;
    if (trouble.empty()) {
      committed_ += batch.size();
      batch.clear();
      in_hand_ = 0;
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
    more_.wait_for(lock, kTryAgain, [&] { return stopping_; });
  }
}

void Ledger::tell() {
  const std::lock_guard lock(told_mutex_);
  if (on_written_) on_written_();
}

// A connection may break while a batch is committed. Then only its number tells whether it is there.
void Ledger::write(const std::vector<Row>& batch, int64_t number) {
  database_.bulk([&] {
    if (database_.shared() &&
        database_.run("INSERT INTO ledger_batches (instance, number) VALUES (?, ?) ON CONFLICT (instance) DO UPDATE "
                      "SET number = excluded.number WHERE ledger_batches.number < excluded.number",
                      {instance_, number}) == 0)
      return;
    insert(batch);
  });
}

void Ledger::insert(const std::vector<Row>& batch) {
  for (const Row& row : batch) {
    if (row.begun > 0 && database_.run("DELETE FROM ledger_open WHERE id = ?", {number(row.begun)}) == 0)
      take_back(row);
    database_.run(
        "INSERT INTO ledger (time_s, day, request_id, caller, wanted, upstream, model, attempt, prompt_tokens, "
        "cached_tokens, completion_tokens, reasoning_tokens, cost_nano_usd, first_token_s, total_s, outcome, status, "
        "error, raw_usage, cache_write_tokens, cached_answer) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {row.time_s,
         day_of(row.time_s),
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
         row.cost_nano_usd ? Value(*row.cost_nano_usd) : Value(nullptr),
         row.first_token_s,
         row.total_s,
         std::string(outcome_name(row.outcome)),
         int64_t{row.status},
         row.error,
         row.raw_usage,
         number(row.cache_write_tokens),
         int64_t{row.cached_answer}});
  }
  add_to_days(batch, 1);
}

// Its note is gone: another program took this one for dead and filed the prompt. What the call really took replaces it.
void Ledger::take_back(const Row& row) {
  for (const store::Row& found : database_.query(
           "SELECT * FROM ledger WHERE caller = ? AND day = ? AND request_id = ? AND attempt = ? AND error = ?",
           {row.caller, day_of(row.time_s), row.request_id, int64_t{row.attempt}, std::string(kLeftOpen)})) {
    if (database_.run("DELETE FROM ledger WHERE id = ?", {found.integer("id")}) == 0) continue;
    Row filed{.time_s = found.integer("time_s"),
              .caller = found.text("caller"),
              .upstream = found.text("upstream"),
              .model = found.text("model"),
              .prompt_tokens = static_cast<uint64_t>(found.integer("prompt_tokens")),
              .outcome = Outcome::kAborted,
              .error = {},
              .raw_usage = {}};
    if (!found.is_null("cost_nano_usd")) filed.cost_nano_usd = found.integer("cost_nano_usd");
    add_to_days({filed}, -1);
  }
}

// One statement for each sum, in the order of the key: two programs that write the same sums do not wait for each other
// in a circle.
void Ledger::add_to_days(const std::vector<Row>& batch, int64_t sign) {
  std::map<std::tuple<std::string, std::string, std::string, std::string>, Sum> sums;
  for (const Row& row : batch) {
    Sum& sum = sums[{day_of(row.time_s), row.caller, row.upstream, row.model}];
    if (row.cached_answer) {  // budgets read these sums: what was not asked for takes nothing of them
      ++sum.cached_answers;
      continue;
    }
    ++sum.calls;
    sum.failed += row.outcome == Outcome::kFailed;
    sum.prompt_tokens += row.prompt_tokens;
    sum.cached_tokens += row.cached_tokens;
    sum.completion_tokens += row.completion_tokens;
    sum.reasoning_tokens += row.reasoning_tokens;
    sum.cache_write_tokens += row.cache_write_tokens;
    sum.cost_nano_usd += row.cost_nano_usd.value_or(0);
    sum.unpriced += !row.cost_nano_usd;
  }
  for (const auto& [key, sum] : sums) {
    const auto& [day, caller, upstream, model] = key;
    const auto signed_number = [&](uint64_t value) { return sign * number(value); };
    database_.run(
        "INSERT INTO ledger_days (day, caller, upstream, model, calls, failed, prompt_tokens, cached_tokens, "
        "completion_tokens, reasoning_tokens, cost_nano_usd, unpriced, cache_write_tokens, "
        "cached_answers) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (day, caller, upstream, model) DO UPDATE SET "
        "calls = ledger_days.calls + excluded.calls, failed = ledger_days.failed + excluded.failed, "
        "prompt_tokens = ledger_days.prompt_tokens + excluded.prompt_tokens, "
        "cached_tokens = ledger_days.cached_tokens + excluded.cached_tokens, "
        "completion_tokens = ledger_days.completion_tokens + excluded.completion_tokens, "
        "reasoning_tokens = ledger_days.reasoning_tokens + excluded.reasoning_tokens, "
        "cost_nano_usd = ledger_days.cost_nano_usd + excluded.cost_nano_usd, "
        "unpriced = ledger_days.unpriced + excluded.unpriced, "
        "cache_write_tokens = ledger_days.cache_write_tokens + excluded.cache_write_tokens, "
        "cached_answers = ledger_days.cached_answers + excluded.cached_answers",
        {day, caller, upstream, model, signed_number(sum.calls), signed_number(sum.failed),
         signed_number(sum.prompt_tokens), signed_number(sum.cached_tokens), signed_number(sum.completion_tokens),
         signed_number(sum.reasoning_tokens), sign * sum.cost_nano_usd, signed_number(sum.unpriced),
         signed_number(sum.cache_write_tokens), signed_number(sum.cached_answers)});
  }
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
               "AS cost, sum(cache_write_tokens) AS cache_write, sum(unpriced) AS unpriced, "
               "sum(cached_answers) AS again FROM ledger_days{}{}{} "
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
    sum.cached_answers = static_cast<uint64_t>(row.integer("again"));
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
            .raw_usage = row.text("raw_usage"),
            .cached_answer = row.integer("cached_answer") != 0};
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
