#pragma once
// One question put to several models at once: a column each, every column on its own.
//
//   auto comparison = std::make_shared<Comparison>(models, hooks);
//   comparison->start();                 // returns at once; events come through hooks.on_event
//   comparison->stop(1);                 // what has come of column 1 stays, the others go on
//   comparison->retry(1);                // asks once more, as long as another column still runs
//   comparison->stop_all();              // whoever reads has left
//
// A column that fails, or cannot even be started, ends with a kError event of its own and harms no other.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "chat/dialect.h"
#include "gateway/provider.h"

namespace shenbi::gateway {

/// What one model has answered so far. Times are from the moment it was asked.
struct Column {
  enum class Status { kRunning, kDone, kStopped, kFailed };
  std::string model;  ///< as it was asked for
  Status status = Status::kRunning;
  uint32_t attempt = 0;  ///< how often it was asked again
  chat::Collected answer;
  double first_token_s = -1;  ///< < 0: none came
  double total_s = 0;         ///< once it has ended
  double tokens_per_s = -1;   ///< after the first; < 0: fewer than two, or no time between them
};
std::string_view status_name(Column::Status status) noexcept;

class Comparison : public std::enable_shared_from_this<Comparison> {
 public:
  struct Hooks {
    /// Asks the model of a column; may block (a model is loaded), and may throw Error.
    std::function<CallPtr(uint32_t column, uint32_t attempt, EventSink)> start;
    /// Where that is done, so that no column waits for another. False: no room.
    std::function<bool(std::function<void()>)> run;
    /// A column is asked, for the first time or again: what was there of it is void.
    std::function<void(uint32_t index, const Column&)> on_begin;
    /// One event of a column, which already holds it. After the last event of the last column `all_ended` is true,
    /// once. Both are called one at a time, from any thread; they must not block nor call this object.
    std::function<void(uint32_t index, const Column&, const chat::Event&, bool all_ended)> on_event;
  };

  Comparison(const std::vector<std::string>& models, Hooks hooks);

  /// Once.
  void start();
  /// Throws Error{kNotFound} if there is no such column. Nothing happens to one that has ended.
  void stop(uint32_t column);
  void stop_all();
  /// Throws Error{kNotFound} if there is no such column, {kInvalidArgument} while it runs or when all have ended: then
  /// whoever reads has been told so.
  void retry(uint32_t column);

 private:
  struct Running {
    Column column;
    CallPtr call;
    bool stop_wanted = false;
    uint64_t tokens = 0;
    std::chrono::steady_clock::time_point asked, first, last;
  };
  void check(uint32_t column) const;
  void begin(uint32_t index);
  void ask(uint32_t index, uint32_t attempt);
  void take(uint32_t index, uint32_t attempt, const chat::Event& event);
  static void measure(Running& running, const chat::Event& event);

  const Hooks hooks_;
  std::mutex mutex_;  // guards what follows, and keeps the events in one line
  std::vector<Running> columns_;
  size_t running_ = 0;
  bool all_ended_ = false, stopped_ = false;
};

}  // namespace shenbi::gateway
