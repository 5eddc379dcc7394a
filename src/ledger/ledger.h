#pragma once
// What was called and what it took: a row for each try at a model, local or upstream. Written off the request's path by
// one thread, many rows in a transaction; with each batch the sums per day are brought up to date in the same
// transaction, so that a page over a million rows reads hundreds.
//
//   Ledger ledger(database);
//   ledger.add({.caller = "k1", .upstream = "deepseek", .model = "deepseek-chat", .prompt_tokens = 7, ...});
//   ledger.sums({.from_day = "2026-11-01"}, {Ledger::By::kDay, Ledger::By::kModel});
//
// add() never waits: it is on the way of an answer's last word. While the disk is full rows gather, up to a bound, and
// are written when it has room again; beyond that they are counted as lost. A kill loses at most what has not been
// committed yet (kCommitEvery). Days are those of UTC. Thread-safe.
//
// A call that counts against a budget is told before it begins (begin()) and its row takes the note away, in one
// transaction. So what a kill left open is known at the next start, and becomes a row: the prompt, which was on its
// way. Where several programs share the database one of the others does that (store/instances.h). If the first was only
// asleep and files its row after all, that row replaces the other: each call is in the ledger once.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ledger/budget.h"
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
  uint64_t cache_write_tokens = 0;
  uint64_t completion_tokens = 0;
  uint64_t reasoning_tokens = 0;         ///< of the completion
  std::optional<int64_t> cost_nano_usd;  ///< 1e-9 US dollars; nothing: no price is known
  double first_token_s = -1;             ///< < 0: none came
  double total_s = 0;
  Outcome outcome = Outcome::kFailed;
  int status = 0;  ///< kFailed: as told to the caller
  std::string error;
  std::string raw_usage;  ///< the usage object as its maker wrote it
  /// Nobody was asked: an answer of before was given again. Tokens and maker are those of that answer, the cost is 0,
  /// and neither budgets nor the tokens of sums count it.
  bool cached_answer = false;
  uint64_t begun = 0;  ///< its number if it was noted by begin(); 0: it was not
};

/// Which rows. Empty fields mean any.
struct Filter {
  std::string from_day, to_day;  ///< "2026-11-22", both inclusive
  std::string caller, upstream, model;
};

struct Sum {
  std::string day, caller, upstream, model;  ///< those that were asked for
  uint64_t calls = 0, failed = 0, prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0, reasoning_tokens = 0;
  uint64_t cache_write_tokens = 0;
  int64_t cost_nano_usd = 0;
  uint64_t unpriced = 0;        ///< calls without a known price: the cost is short of theirs
  uint64_t cached_answers = 0;  ///< given again without a call: in none of the above
};

class Ledger {
 public:
  /// `most_waiting` rows: 10 s at 5,000 a second, some 20 MB.
  explicit Ledger(store::Database& database, size_t most_waiting = 50'000);
  /// Writes what is queued.
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// A number for a call that is about to begin; no other program that shares the database has it.
  uint64_t next_call();
  /// Notes that call under its number (`begun`), with the tokens and the cost of its prompt and the most it may take.
  /// What has returned survives a kill. Throws what the database throws.
  void begin(const Row& call, const Charge& most = {});
  struct Open {
    uint64_t id = 0;
    std::string caller, day;
    Charge most;
  };
  struct Standing {
    std::vector<Open> open;                         ///< all calls that are noted, also those of other programs
    std::map<std::string, std::vector<Sum>> since;  ///< what was filed from that day on, a sum for each caller
  };
  /// All of one moment: a call is either open or in the sums, never both or neither. Of the sums only caller, cost,
  /// `unpriced` and tokens are filled in, those of prompts and answers together as `prompt_tokens`.
  Standing standing(const std::set<std::string>& days);
  /// Calls that the end of the last process left open and that are rows now.
  uint64_t found_open() const noexcept { return found_open_; }

  /// Called by the thread that writes, whenever rows have been written. Returns when the one before does not run.
  void on_written(std::function<void()> callback);

  /// False if the row is lost for lack of room.
  bool add(Row row);
  /// Waits until everything before it is on the disk. False if it cannot be written now.
  bool flush();
  struct Counts {
    uint64_t written = 0, lost = 0, waiting = 0;
  };
  /// Since the start.
  Counts counts() const;

  enum class By { kDay, kCaller, kUpstream, kModel };
  /// One sum for each combination of the given fields, in their order; without any, one for all. Throws
  /// Error{kInvalidArgument} if there are more than kMaxSums of ledger.cpp.
  std::vector<Sum> sums(const Filter& filter, const std::vector<By>& by);
  /// The newest day first, and of a day the latest filed; those behind the row `before` (0: from the newest).
  std::vector<Row> rows(const Filter& filter, int64_t before, uint32_t limit);

  /// Rows that could not be written (a full disk), which are tried again until they can; of use for health.
  std::string trouble() const;

 private:
  void work();
  void close_open_calls(int64_t instance);
  void write(const std::vector<Row>& batch, int64_t number);
  void insert(const std::vector<Row>& batch);
  void tell();
  void take_back(const Row& row);
  void add_to_days(const std::vector<Row>& batch, int64_t sign);

  store::Database& database_;
  const size_t most_waiting_;
  mutable std::mutex mutex_;
  std::condition_variable more_, written_;
  std::vector<Row> queue_;
  size_t in_hand_ = 0;  // rows that the thread is writing
  uint64_t added_ = 0, committed_ = 0, lost_ = 0;
  std::atomic<uint64_t> next_open_{0};
  std::atomic<uint64_t> found_open_ = 0;
  int64_t instance_ = 0;  // of the notes
  int64_t batches_ = 0;   // that were begun to be written
  std::mutex told_mutex_;
  std::function<void()> on_written_;
  bool stopping_ = false, hurry_ = false;
  std::string trouble_;
  std::shared_ptr<void> gone_;  // what is done for other programs
  std::thread writer_;
};

/// "2026-11-22", of UTC.
std::string day_of(int64_t time_s);

/// A header line and a line a row, RFC 4180. A cell that a spreadsheet would run as a formula begins with a quote mark.
std::string csv_header();
std::string csv_line(const Row& row);
/// The same of sums, the fields they were grouped by in front.
std::string csv_of_sums(const std::vector<Sum>& sums, const std::vector<Ledger::By>& by);

}  // namespace shenbi::ledger
