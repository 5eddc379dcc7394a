#pragma once
// Batches as the database knows them: jobs that outlive the program. Who works on them is server/batch_runner.h.
//
//   validating -> failed                                         a line is wrong: nothing was run
//   validating -> in_progress -> finalizing -> completed
//                 in_progress -> finalizing -> expired           the window is over
//   validating, in_progress -> cancelling -> cancelled
//
// Every answered line is a row until the job ends; then the rows become the output and error file, and the change of
// status, the rows of the files and the release of the input are one transaction. So after any crash a line is either
// answered, and never run again, or not answered. Thread-safe.
//
// A batch is worked on by one program: the one whose number stands in its row. Where several share the database a batch
// of one that is gone is free again, and what that one still writes changes nothing.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/types.h"
#include "server/batch_lines.h"
#include "server/files.h"
#include "store/database.h"

namespace shenbi::server {

enum class BatchStatus {
  kValidating,
  kFailed,
  kInProgress,
  kFinalizing,
  kCompleted,
  kExpired,
  kCancelling,
  kCancelled,
};
std::string_view batch_status_name(BatchStatus status) noexcept;

struct StoredBatch {
  std::string id, owner, endpoint, input_file, output_file, error_file;  ///< "" where there is none (yet)
  std::string model;  ///< that all its lines ask; "" before they are judged, and where they ask several
  BatchStatus status = BatchStatus::kValidating;
  chat::OrderedJson metadata;  ///< an object or null
  chat::OrderedJson errors;    ///< OpenAI's list object, or null
  chat::OrderedJson times;     ///< {"in_progress_at": seconds, ...}: when it came to each status
  int64_t output_lives_for_s = 0;
  double created = 0, expires = 0;
  int64_t total = 0, completed = 0, failed = 0;  ///< lines
  BatchUsage usage;                              ///< of the completed lines together
};

class Batches {
 public:
  Batches(store::Database& database, Files& files);

  /// Who is told, by id, of new batches and of those to be cancelled. Set once, before the first.
  void on_news(std::function<void(const std::string& id)> callback) { news_ = std::move(callback); }

  /// `wanted`: owner, endpoint, input_file, metadata, output_lives_for_s. Throws Error{kNotFound} if the file is not
  /// the owner's, {kInvalidArgument} if it is not for batches, {kRateLimited} if too many of the owner's are
  /// unfinished.
  StoredBatch create(const StoredBatch& wanted);
  /// Throws Error{kNotFound} naming the id: also for somebody else's.
  StoredBatch get(const std::string& owner, const std::string& id) const;
  struct Page {
    std::vector<StoredBatch> batches;
    bool more = false;
  };
  /// Newest first. `after`: the id of the last one of the page before.
  Page list(const std::string& owner, const std::string& after, int64_t limit) const;
  /// Throws Error{kInvalidArgument} if it has ended or is about to.
  StoredBatch cancel(const std::string& owner, const std::string& id);

  // --- for the runner ---

  /// Those that are this program's from now on: free ones, and those of its last run.
  std::vector<StoredBatch> claim();
  /// The unfinished ones of this program.
  std::vector<StoredBatch> mine() const;
  /// Whether other programs may change what mine() says.
  bool shared() const noexcept { return database_.shared(); }
  /// On the way out: others may go on with them.
  void let_go();
  void fail(const std::string& id, const std::vector<BatchProblem>& problems);
  /// False if it is not kValidating any more (somebody cancelled).
  bool begin(const std::string& id, int64_t lines, const std::string& model);
  /// Numbers of the lines that are answered.
  std::vector<uint32_t> answered(const std::string& id) const;
  /// On the disk when it returns; the same line a second time is an error, and so is one of another program's batch.
  void record(const std::string& id, uint32_t line, bool good, const std::string& answer, const BatchUsage& usage);
  struct Answer {
    uint32_t line = 0;
    bool good = false;
    std::string text;
  };
  /// In the order of lines, some at a time: those behind `after`.
  std::vector<Answer> answers(const std::string& id, uint32_t after) const;
  /// From now on it cannot be cancelled. The status it has then: kCancelling if somebody was faster.
  BatchStatus finalizing(const std::string& id);
  struct End {
    BatchStatus status{};
    FileDraft* output = nullptr;  ///< published; null: no such line
    FileDraft* errors = nullptr;
    int64_t unanswered = 0;  ///< lines that only the error file has
    std::vector<BatchProblem> problems;
  };
  /// Once: when it has ended already this changes nothing, and the drafts are not kept.
  void end(const std::string& id, const End& end);

  /// Forgets those that ended more than limits::kEndedBatchSeconds ago and whose output files are gone.
  void purge();

 private:
  StoredBatch one(const std::string& id) const;
  void set_status(StoredBatch& batch, BatchStatus status) const;
  void write(const StoredBatch& batch);
  void forget_answers(const std::string& id);
  std::optional<StoredBatch> own_one(const std::string& id) const;
  store::Database& database_;
  Files& files_;
  std::function<void(const std::string&)> news_;
  std::shared_ptr<void> gone_;  // what is done for other programs
};

}  // namespace shenbi::server
