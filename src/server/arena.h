#pragma once
// The arena: two models answer the same question, the reader says which answer is better, and only then who wrote them
// (docs/arena.md). Battles and votes lie in the database; what they come to is src/arena.
//
// Until the vote is stored nothing that goes out names a model or lets one be told by figures: no usage, no times, no
// error text, no id that hangs on it; and no text goes out before both sides have begun.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "arena/ratings.h"
#include "chat/types.h"
#include "server/comparisons.h"
#include "server/router.h"
#include "store/database.h"

namespace shenbi::server {

struct StoredBattle {
  std::string id, owner, question, categories;  ///< "zh,code"
  std::string models[2], answers[2];            ///< by side
  std::string figures[2];                       ///< column_json of each, once it has ended
  std::string status;                           ///< "running", "done", "failed": not both have answered
  double created = 0;
};

struct StoredVote {
  int64_t id = 0;
  std::string battle, voter, judge;       ///< judge "": a person
  std::optional<arena::Outcome> outcome;  ///< nothing: a judge that changed its mind with the sides
  bool own = false;                       ///< the judge is one of the two
  double created = 0;
  std::string models[2], answers[2], categories;  ///< of the battle
};

/// "a", "b", "tie", "bad".
std::string_view outcome_word(arena::Outcome outcome) noexcept;

class Arena {
 public:
  explicit Arena(store::Database& database);

  /// Draws two of `pool`, asks both and streams what they say. Pairs that have met less often are drawn more often.
  void begin(RouteCall& call, const chat::ChatRequest& request, const std::string& question,
             const std::vector<std::string>& pool);

  /// The owner's own. Throws Error{kNotFound}.
  StoredBattle battle(const std::string& owner, const std::string& id) const;
  bool is_voted(const std::string& battle) const;
  /// Once for a battle that is done; `judge` once each. Throws Error{kInvalidArgument}.
  void vote(const StoredBattle& battle, const std::string& judge, std::optional<arena::Outcome> outcome);
  /// All votes, oldest first; those of a category, if named. Answers only if asked for: they are long.
  std::vector<StoredVote> votes(const std::string& category, bool answers) const;

 private:
  class Battle;
  std::pair<std::string, std::string> draw(const std::vector<std::string>& pool) const;
  void store_end(const StoredBattle& battle);
  void leave(const std::string& owner);
  store::Database& database_;
  mutable std::mutex mutex_;
  std::map<std::string, uint32_t> running_;  // by owner
  std::shared_ptr<void> gone_;               // what is done for other programs
};

}  // namespace shenbi::server
