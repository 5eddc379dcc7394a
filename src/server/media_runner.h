#pragma once
// Looks after media jobs: asks their houses how far they are, fetches what is done, settles what it cost.
//
//   MediaRunner runner(state);
//   runner.start();   // goes on with what the last run of the program left
//   runner.stop();    // the rest is gone on with at the next start
//
// A job is looked at soon after it was sent and then ever more rarely, up to every 10 s; somebody who asks for it has
// it looked at now. What passes (no connection, 429, 5xx) is tried again until the job's day is over.

#include <memory>
#include <string>

#include "server/media_jobs.h"

namespace shenbi::server {

class State;

class MediaRunner {
 public:
  explicit MediaRunner(State& state);
  ~MediaRunner();
  void start();
  /// Cancels what runs and waits for it. Idempotent.
  void stop();

  /// Sends the request of its row to a house, and deletes the row if none takes it. Blocking.
  void submit(const StoredMediaJob& row, const gateway::MediaRequest& request);
  /// Looks at it as soon as a lane is free.
  void nudge(const std::string& id);
  /// After its row was deleted: tells the house, and settles.
  void abandon(const StoredMediaJob& was);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shenbi::server
