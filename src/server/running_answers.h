#pragma once
// Answers of the page that are being written right now. They belong to the server, not to a connection: who reloads the
// page attaches again and sees the answer from its beginning; who closes it finds the whole answer later.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "chat/types.h"
#include "server/conversations.h"
#include "server/router.h"

namespace shenbi::server {

class RunningAnswers {
 public:
  RunningAnswers();
  ~RunningAnswers();

  /// Starts the call and writes what comes into `answer` (a stored message of status "running"). Text that it holds
  /// already is kept in front. What the provider refuses at once is thrown, and the message marked as failed.
  void start(State& state, const Caller& caller, StoredMessage answer, chat::ChatRequest request);

  /// Sends the answer as events, from its beginning, until it ends. False if it is not running.
  bool attach(const std::string& id, const net::ExchangePtr& exchange);

  /// Ends it; what has come stays. `stored` is called once with what the message has become, when that is in the
  /// database: on a worker, or not at all if this returns false because nothing runs.
  bool stop(const std::string& id, std::function<void(const StoredMessage&)> stored);

  /// Until no answer is running any more; false if some still are at `end`.
  bool wait_for_none(std::chrono::steady_clock::time_point end) const;

  /// Tries again to store the answers whose end the database did not take (a full disk). Costs nothing if there are
  /// none.
  void store_unsaved(Conversations& conversations);

  /// What the message is at this moment, if it is running or not stored yet.
  std::optional<StoredMessage> current(const std::string& id) const;

 private:
  struct Running;
  void store(Conversations& conversations, Running& running, const StoredMessage& copy, bool last);
  std::shared_ptr<Running> find(const std::string& id) const;
  void save(Conversations& conversations, const StoredMessage& message, bool last);
  mutable std::mutex mutex_;
  mutable std::condition_variable fewer_;
  std::map<std::string, std::shared_ptr<Running>> running_;
  std::map<std::string, StoredMessage> unsaved_;
};

/// The page's words for a stored message (docs/page-api.md).
chat::OrderedJson message_json(const StoredMessage& message);

/// "event: NAME\ndata: {...}\n\n"
std::string page_event(std::string_view name, const chat::OrderedJson& data);

}  // namespace shenbi::server
