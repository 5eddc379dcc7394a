#pragma once
// Budgets, kept. A call reserves the most that it may take before it begins, and its row in the ledger settles what it
// took: nothing else counts, so what is spent is what the ledger says, after a restart as before one.
//
//   Budgets budgets(database, ledger, {.team_of = ..., .on_alert = ...});
//   budgets.put({.name = "ci", .whose = Whose::kKey, .subject = "k1", .limit = 20'000'000'000});
//   row.begun = budgets.reserve(row, {.nano_usd = 300'000, .tokens = 1'500});   // throws OverBudget
//   ...
//   budgets.file(std::move(row));                                              // instead of ledger.add()
//
// Invariant, under the lock: for each budget spent = the ledger's sum of its callers in its time, reserved = the sum of
// what calls under way have reserved in that time; a reservation is made only if spent + reserved + it <= limit. A call
// counts in the time in which it began.
//
// Where several programs share the database, what they hold in memory is not the truth: a reservation is then one
// transaction, alone among all of them, that adds up the notes of calls under way and the ledger's sums and writes its
// own note; a call is settled when its row is written. States and marks are read in the same way.
//
// reserve() writes one note to the database if the caller has a budget (Ledger::begin) and nothing if he has none;
// file() never waits for the disk. put(), remove() and recount() do, and hold others up meanwhile. Thread-safe.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "ledger/budget.h"
#include "ledger/ledger.h"
#include "store/version.h"

namespace shenbi::ledger {

/// A budget has reached one of its marks.
struct Alert {
  std::string budget, period;  ///< period_of_day()
  Whose whose = Whose::kEverybody;
  std::string subject;
  Unit unit = Unit::kUsd;
  uint32_t percent = 0;
  int64_t limit = 0, spent = 0, time_s = 0;
};

struct BudgetState {
  Budget budget;
  int64_t spent = 0, reserved = 0;
  uint64_t unpriced = 0;  ///< calls of this time that are not in `spent`: their price is not known
  uint64_t refused = 0;   ///< calls, since the start of the program
  int64_t resets = 0;     ///< reset_time()
};

struct BudgetOptions {
  /// The team of a caller, "" for none. May not come back to the budgets.
  std::function<std::string(const std::string& caller)> team_of = [](const std::string&) { return std::string(); };
  /// May come again for the same mark; must not block.
  std::function<void(const Alert&)> on_alert = [](const Alert&) {};
  std::function<int64_t()> now;  ///< seconds since 1970; null: the clock
};

class Budgets {
 public:
  Budgets(store::Database& database, Ledger& ledger, BudgetOptions options);
  ~Budgets();
  Budgets(const Budgets&) = delete;
  Budgets& operator=(const Budgets&) = delete;

  /// Adds it or replaces the one of that name. Throws what check() throws.
  void put(const Budget& budget);
  /// False if there is none.
  bool remove(const std::string& name);
  std::vector<BudgetState> states();
  /// After keys have changed teams.
  void recount();

  /// `call`: when, whose and what; the tokens and the cost of its prompt, as far as they are known. Returns 0 if the
  /// caller has no budget. Throws OverBudget, or Error{kInvalidArgument} if a budget of money cannot know the price.
  uint64_t reserve(const Row& call, const Charge& most);
  /// Whether anybody has one. Does not ask the database, unless other instances may have written to it.
  bool any();
  /// Whether it is worth working out what a call may take.
  bool any_for(const std::string& caller);
  void file(Row row);

 private:
  struct Entry {
    BudgetState state;
    std::string day;          // of the last count: its time is that of `spent`
    std::set<uint32_t> told;  // marks
  };
  struct Open {
    std::string caller, team, day;
    Charge most;
  };
  template <class Each>
  void each_of(const std::string& caller, const std::string& team, const Each& each);
  using Sums = std::map<std::string, std::vector<Sum>>;  // by the day from which on they are
  using Entries = std::vector<Entry*>;
  Entries all_entries();
  void count(const Entries& entries, const std::string& today);
  void count(Entry& entry, const std::string& today, const Sums& sums);
  void roll(Entry& entry, const std::string& today);
  void tell(Entry& entry, std::vector<Alert>& alerts);
  void load();
  void refresh();
  uint64_t reserve_among_many(const Row& call, const Charge& most);
  uint64_t try_to_reserve(const Row& call, const Charge& most, bool last);
  bool check_room(const Row& call, const std::string& team, const Charge& most, int64_t time, bool last);
  void index();
  [[noreturn]] void refuse(const Entry& entry, const Charge& most, int64_t now) const;
  int64_t now() const;

  store::Database& database_;
  Ledger& ledger_;
  const BudgetOptions options_;
  store::Version version_;  // of the list of budgets
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::unordered_map<std::string, std::vector<Entry*>> by_subject_;  // "team/red", "key/k1", "everybody/"
  std::unordered_map<uint64_t, Open> open_;
};

}  // namespace shenbi::ledger
