// ledger_bench [--rows 1000000] [--rate 5000] [--seconds 10] [--database postgresql://...]: the ledger at scale, and
// what a budget costs a call.
//
//   lossless   `rate` rows a second for so many seconds, as answers end: none lost, every one in the file, the most
//   that
//              waited; and how many a second it takes at most
//   usage      a ledger of `rows` rows over 90 days, 20 keys, 10 models at 2 upstreams: what the usage page asks
//   budget     a call's way through the budgets: none for its caller; with one, its note in the database among it
//
// Files lie in the temporary folder: its disk is what is measured. With --database, which must be empty, that one is,
// without the usage page: its rows are made by SQLite.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/folders.h"
#include "ledger/budgets.h"

namespace {

using namespace shenbi;
using namespace shenbi::ledger;
using Clock = std::chrono::steady_clock;

struct Settings {
  int64_t rows = 1'000'000, rate = 5000, seconds = 10;
  std::string database;
  std::string place(const TemporaryFolder& folder) const {
    return database.empty() ? (folder.path() / "db").string() : database;
  }
};

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

Row row_of(int64_t i) {
  return {
      .time_s = std::time(nullptr),
      .request_id = fmt::format("req-{:08x}", i),
      .caller = fmt::format("key{:05}", i % 20),
      .wanted = "openai/gpt-4.1",
      .upstream = i % 2 ? "openai" : "office",
      .model = fmt::format("model-{}", i % 10),
      .prompt_tokens = 1000,
      .cached_tokens = 600,
      .completion_tokens = 100,
      .cost_nano_usd = 1'900'000,
      .first_token_s = 0.42,
      .total_s = 2.4,
      .outcome = Outcome::kSettled,
      .raw_usage = R"({"prompt_tokens":1000,"completion_tokens":100,"prompt_tokens_details":{"cached_tokens":600}})"};
}

void lossless(const Settings& settings) {
  const TemporaryFolder folder;
  store::Database database(settings.place(folder));
  Ledger ledger(database);
  const int64_t wanted = settings.rate * settings.seconds;
  uint64_t most_waiting = 0;
  const auto begin = Clock::now();
  for (int64_t i = 0; i < wanted; ++i) {
    std::this_thread::sleep_until(begin + std::chrono::nanoseconds(i * 1'000'000'000 / settings.rate));
    ledger.add(row_of(i));
    if (i % 100 == 0) most_waiting = std::max(most_waiting, ledger.counts().waiting);
  }
  const double took_s = ms_since(begin) / 1000;
  const auto flushing = Clock::now();
  ledger.flush();
  const double flush_ms = ms_since(flushing);
  const int64_t found = database.query("SELECT count(*) AS n FROM ledger")[0].integer("n");
  const auto sum = ledger.sums({}, {})[0];
  const bool whole = found == wanted && sum.calls == static_cast<uint64_t>(wanted) &&
                     sum.cost_nano_usd == wanted * 1'900'000 && ledger.counts().lost == 0;
  fmt::print(
      "lossless: {} rows in {:.1f} s ({:.0f} a second): {} in the file, {} lost, at most {} waited, {:.0f} ms to the "
      "last: {}\n",
      wanted, took_s, static_cast<double>(wanted) / took_s, found, ledger.counts().lost, most_waiting, flush_ms,
      whole ? "whole" : "NOT WHOLE");
  constexpr int64_t kBurst = 50'000;  // what may wait
  const auto burst = Clock::now();
  for (int64_t i = 0; i < kBurst; ++i) ledger.add(row_of(i));
  const double add_us = ms_since(burst) * 1000 / kBurst;
  ledger.flush();
  fmt::print("          {} at once: {:.2f} us each to hand over, {:.0f} rows a second to the disk, {} lost\n", kBurst,
             add_us, kBurst / (ms_since(burst) / 1000), ledger.counts().lost);
}

// By SQL: adding them one by one would take minutes and measure nothing of this.
void fill(store::Database& database, int64_t rows) {
  database.transaction([&] {
    database.run(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) INSERT INTO ledger (time_s, "
        "day, request_id, caller, wanted, upstream, model, attempt, prompt_tokens, cached_tokens, completion_tokens, "
        "reasoning_tokens, cost_nano_usd, first_token_s, total_s, outcome, status, error, raw_usage) SELECT t, "
        "date(t, 'unixepoch'), printf('req-%08x', i), printf('key%05d', i % 20), 'openai/gpt-4.1', CASE i / 20 % 2 "
        "WHEN 0 "
        "THEN 'office' ELSE 'openai' END, printf('model-%d', i / 40 % 10), 0, 1000, 600, 100, 0, 1900000, 0.42, 2.4, "
        "'settled', 0, '', '{\"prompt_tokens\":1000,\"completion_tokens\":100}' FROM (SELECT i, strftime('%s', 'now') "
        "- "
        "90 * 86400 + i * (90 * 86400) / ? + 1 t FROM n)",
        {rows, rows});
    database.run(
        "INSERT INTO ledger_days (day, caller, upstream, model, calls, failed, prompt_tokens, cached_tokens, "
        "completion_tokens, reasoning_tokens, cost_nano_usd, unpriced) SELECT day, caller, upstream, model, count(*), "
        "0, "
        "sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens), 0, sum(cost_nano_usd), 0 FROM ledger GROUP BY "
        "day, caller, upstream, model");
  });
}

double cpu_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// On a busy machine the processor's time says more than the clock's.
template <class Ask>
void ask(std::string_view what, const Ask& question) {
  std::vector<double> times, cpu;
  size_t found = 0;
  for (int i = 0; i < 9; ++i) {
    const auto begin = Clock::now();
    const double cpu_begin = cpu_ms();
    found = question();
    times.push_back(ms_since(begin));
    cpu.push_back(cpu_ms() - cpu_begin);
  }
  std::sort(times.begin(), times.end());
  std::sort(cpu.begin(), cpu.end());
  fmt::print("usage:    {:<58} {:>8.2f} ms (worst of 9 {:.2f}; processor {:.2f}), {} rows\n", what, times[4],
             times.back(), cpu[4], found);
}

void usage(const Settings& settings) {
  using By = Ledger::By;
  const TemporaryFolder folder;
  store::Database database(folder.path() / "db");
  Ledger ledger(database);
  const auto begin = Clock::now();
  fill(database, settings.rows);
  const int64_t days = database.query("SELECT count(*) AS n FROM ledger_days")[0].integer("n");
  fmt::print("usage:    {} rows, {} sums of days, {:.0f} MB, made in {:.0f} s\n", settings.rows, days,
             static_cast<double>(std::filesystem::file_size(folder.path() / "db")) / 1e6, ms_since(begin) / 1000);
  const auto day = [](int64_t ago) { return day_of(std::time(nullptr) - ago * 86400); };
  const Filter month{.from_day = day(29), .to_day = day(0)}, all{.from_day = day(89), .to_day = day(0)};
  const auto page = [&](const Filter& filter, By split) {
    ledger.flush();
    return ledger.sums(filter, {By::kDay, split}).size() + ledger.sums(filter, {}).size() +
           ledger.rows(filter, 0, 50).size();
  };
  ask("the page: 30 days by model, their sum, the latest 50 calls", [&] { return page(month, By::kModel); });
  ask("the page: 90 days by key, their sum, the latest 50 calls", [&] { return page(all, By::kCaller); });
  ask("the latest 50 calls of one key in 90 days", [&] {
    Filter one = all;
    one.caller = "key00007";
    return ledger.rows(one, 0, 50).size();
  });
  ask("the calls of a key that made none", [&] {
    Filter one = all;
    one.caller = "nobody";
    return ledger.rows(one, 0, 50).size();
  });
  ask("the calls of a model that nobody asked", [&] {
    Filter one = all;
    one.model = "none";
    return ledger.rows(one, 0, 50).size();
  });
  ask("the latest 50 calls of a day two months ago",
      [&] { return ledger.rows({.from_day = day(60), .to_day = day(60)}, 0, 50).size(); });
  const int64_t middle = settings.rows / 2;
  ask("50 calls from the middle on", [&] { return ledger.rows(all, middle, 50).size(); });
  ask("start: budgets for 20 keys of this ledger", [&] {
    Budgets budgets(database, ledger, {});
    for (int key = 0; key < 20 && budgets.states().size() < 20; ++key)
      budgets.put(
          {.name = fmt::format("b{}", key), .whose = Whose::kKey, .subject = fmt::format("key{:05}", key), .limit = 1});
    return budgets.states().size();
  });
}

void budget(const Settings& settings) {
  const TemporaryFolder folder;
  store::Database database(settings.place(folder));
  Ledger ledger(database);
  Budgets budgets(database, ledger, {});
  budgets.put({.name = "b", .whose = Whose::kKey, .subject = "has", .limit = INT64_MAX / 8});
  constexpr int kCalls = 2000;
  for (const std::string caller : {"none", "has"}) {
    std::vector<double> reserve, file;
    for (int i = 0; i < kCalls; ++i) {
      Row row = row_of(i);
      row.caller = caller;
      auto begin = Clock::now();
      row.begun = budgets.reserve(row, {.nano_usd = 10'000'000, .tokens = 2000});
      reserve.push_back(ms_since(begin) * 1000);
      begin = Clock::now();
      budgets.file(std::move(row));
      file.push_back(ms_since(begin) * 1000);
    }
    for (auto* times : {&reserve, &file}) std::sort(times->begin(), times->end());
    fmt::print("budget:   caller with {}: reserve p50 {:.1f} us, p99 {:.0f} us; settle p50 {:.1f} us, p99 {:.0f} us\n",
               caller == "has" ? "one" : "none", reserve[kCalls / 2], reserve[kCalls * 99 / 100], file[kCalls / 2],
               file[kCalls * 99 / 100]);
  }
}

}  // namespace

int main(int count, char** words) {
  Settings settings;
  for (int i = 1; i + 1 < count; i += 2) {
    const auto is = [&](const char* name) { return std::strcmp(words[i], name) == 0; };
    if (is("--database")) {
      settings.database = words[i + 1];
      continue;
    }
    int64_t* const value = is("--rows")      ? &settings.rows
                           : is("--rate")    ? &settings.rate
                           : is("--seconds") ? &settings.seconds
                                             : nullptr;
    if (!value) return fmt::print(stderr, "ledger_bench [--rows N] [--rate N] [--seconds N] [--database ADDRESS]\n"), 2;
    *value = std::max<int64_t>(1, std::atoll(words[i + 1]));
  }
  lossless(settings);
  if (settings.database.empty()) usage(settings);
  budget(settings);
}
