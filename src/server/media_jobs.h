#pragma once
// Jobs for media as the database knows them: a film takes minutes, and outlives a connection and a restart. Who works
// on them is server/media_runner.h.
//
//   submitting -> working -> fetching -> completed
//                 working -> failed, fetching -> failed
//
// The row is there before the house is asked, and says which upstream has the job as soon as that is known: after any
// crash a job is either looked after again, or it ended while it was being sent and says so. Whoever takes an
// unfinished row to its end, or deletes it, settles its money: the change of the row decides, so it is one. The bytes
// of a result are a file of its owner (server/files.h), fetched before the house's link expires. Thread-safe.
//
// A job is looked after by one program: the one whose number stands in its row. Where several share the database a job
// of one that is gone is free again.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/media.h"
#include "gateway/router.h"
#include "server/files.h"
#include "store/database.h"

namespace shenbi::server {

inline constexpr uint64_t kMaxUnfinishedMediaJobs = 32;      ///< of one key; houses run a handful at once
inline constexpr int64_t kMediaResultSeconds = 30 * 86400;   ///< how long a result is kept: as long as any file
inline constexpr double kMediaJobSeconds = 86400;            ///< after which a house that has not ended has failed
inline constexpr uint64_t kMaxShownPromptBytes = 32u << 10;  ///< of what is shown again

struct StoredMediaJob {
  enum class Phase { kSubmitting, kWorking, kFetching, kEnded };
  std::string id, owner;
  std::string wanted, prompt;  ///< the model that was asked for
  Phase phase = Phase::kSubmitting;
  gateway::MediaJob job;
  gateway::Attempt attempt;  ///< as it stood when the house took the job
  std::string file, type;    ///< of a completed one
  double created = 0, ended = 0, expires = 0;
};

class MediaJobs {
 public:
  MediaJobs(store::Database& database, Files& files);

  /// Throws Error{kRateLimited} if too many of the owner's are unfinished.
  StoredMediaJob create(const std::string& owner, const gateway::MediaRequest& request);
  /// The house has it. False if it was deleted meanwhile.
  bool submitted(const std::string& id, const gateway::MediaJob& job);
  /// No house took it: it never was.
  void forget(const std::string& id);

  /// Throws Error{kNotFound} naming the id: also for somebody else's.
  StoredMediaJob get(const std::string& owner, const std::string& id) const;
  struct Page {
    std::vector<StoredMediaJob> jobs;
    bool more = false;
  };
  /// `after`: the id of the last one of the page before.
  Page list(const std::string& owner, const std::string& after, int64_t limit, bool newest_first) const;
  /// With its result. Returns what it was: if it was not ended, its house is to be told and its money settled.
  StoredMediaJob remove(const std::string& owner, const std::string& id);

  // --- for the runner ---

  /// Makes those that nobody looks after this program's, and ends those that were being sent when their program ended.
  void claim();
  /// The unfinished ones of this program that a house has.
  std::vector<StoredMediaJob> mine() const;
  std::optional<StoredMediaJob> find(const std::string& id) const;
  bool shared() const noexcept { return database_.shared(); }
  /// On the way out: others may go on with them.
  void let_go();
  /// False if it has ended or was deleted meanwhile.
  bool progress(const std::string& id, const gateway::MediaJob& job);
  bool fail(const std::string& id, const gateway::MediaJob& job);
  /// `draft` is published; kept if this returns true.
  bool complete(const std::string& id, FileDraft& draft, const std::string& type);
  /// Forgets those whose results have expired.
  void purge();

 private:
  store::Database& database_;
  Files& files_;
  bool first_claim_ = true;
  std::shared_ptr<void> gone_;  // what is done for other programs
};

}  // namespace shenbi::server
