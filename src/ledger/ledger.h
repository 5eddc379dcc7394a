#pragma once
// What was called and what it took: a row for each try at a model, local or upstream. Written off the request's path by
// one thread, many rows in a transaction; with each batch the sums per day are brought up to date in the same
// transaction, so that a page over a million rows reads hundreds.
//
//   Ledger ledger(database);
//   ledger.add({.caller = "k1", .upstream = "deepseek", .model = "deepseek-chat", .prompt_tokens = 7, ...});
//   ledger.sums({.from_day = "2026-11-01"}, {Ledger::By::kDay, Ledger::By::kModel});
//
// Nothing is lost while the process lives: a full queue makes add() wait, so who admits calls asks congested() first. A
// kill loses at most what has not been committed yet (kCommitEvery in ledger.cpp). Days are those of UTC. Thread-safe.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "store/database.h"

namespace shenbi::ledger {

enum class Outcome {
  kSettled,    ///< ended, with the usage that its maker told
  kEstimated,  ///< ended without a usage: counted here
  kAborted,    ///< the caller left: counted here
  kFailed,
};
std::string_view outcome_name(Outcome outcome) noexcept;

struct Row {
  int64_t id = 0;      ///< given by the ledger, ascending
  int64_t time_s = 0;  ///< of the start, since 1970
  std::string request_id, caller;
  std::string wanted;           ///< the name that was asked for
  std::string upstream, model;  ///< who was asked for what
  uint32_t attempt = 0;         ///< 0 for the first try of a request
  uint64_t prompt_tokens = 0;   ///< all of them: cached ones too
  uint64_t cached_tokens = 0;   ///< read from a cache
  uint64_t completion_tokens = 0;
  uint64_t reasoning_tokens = 0;         ///< of the completion
  std::optional<int64_t> cost_nano_usd;  ///< 1e-9 US dollars; nothing: no price is known
  double first_token_s = -1;             ///< < 0: none came
  double total_s = 0;
  Outcome outcome = Outcome::kFailed;
  int status = 0;  ///< kFailed: as told to the caller
  std::string error;
  std::string raw_usage;  ///< the usage object as its maker wrote it
};

/// Which rows. Empty fields mean any.
struct Filter {
  std::string from_day, to_day;  ///< "2026-11-22", both inclusive
  std::string caller, upstream, model;
};

struct Sum {
  std::string day, caller, upstream, model;  ///< those that were asked for
  uint64_t calls = 0, failed = 0, prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0, reasoning_tokens = 0;
  int64_t cost_nano_usd = 0;
  uint64_t unpriced = 0;  ///< calls without a known price: the cost is short of theirs
};

class Ledger {
 public:
  explicit Ledger(store::Database& database);
  /// Writes what is queued.
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  void add(Row row);
  /// Waits until everything before it is on the disk. False if it cannot be written now.
  bool flush();
  /// Rows pile up: the disk is full, or slower than the calls. New paid calls are better refused than not accounted
  /// for.
  bool congested() const;

  enum class By { kDay, kCaller, kUpstream, kModel };
  /// One sum for each combination of the given fields, in their order; without any, one for all.
  std::vector<Sum> sums(const Filter& filter, const std::vector<By>& by);
  /// Newest first; those with an id below `before` (0: from the newest).
  std::vector<Row> rows(const Filter& filter, int64_t before, uint32_t limit);

  /// Rows that could not be written (a full disk), which are tried again until they can; of use for health.
  std::string trouble() const;

 private:
  void work();
  void write(const std::vector<Row>& batch);

  store::Database& database_;
  mutable std::mutex mutex_;
  std::condition_variable more_, less_, written_;
  std::vector<Row> queue_;
  uint64_t added_ = 0, committed_ = 0;
  bool stopping_ = false, hurry_ = false;
  std::string trouble_;
  std::thread writer_;
};

/// A header line and a line a row, RFC 4180. A cell that a spreadsheet would run as a formula begins with a quote mark.
std::string csv_header();
std::string csv_line(const Row& row);

}  // namespace shenbi::ledger
