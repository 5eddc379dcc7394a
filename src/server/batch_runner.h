#pragma once
// Works on batches: reads their inputs, runs their lines, writes their outputs.
//
//   BatchRunner runner(state, router);
//   runner.start();   // goes on with what the last run of the program left
//   runner.stop();    // lines that are not answered are run at the next start
//
// A line is a call of the very route that HTTP would reach, made in the name of the one who sent the batch, with that
// key as it is now: revoked, out of tokens, too fast. Several lines run at once, on lanes of their own and behind every
// other caller: there are half as many lanes as a model answers at once, and what they ask waits behind the rest of the
// queue. Owners take turns. What is refused because there is no room now (429, 503) is asked again.

#include <memory>

#include "server/router.h"

namespace shenbi::server {

class BatchRunner {
 public:
  BatchRunner(State& state, const Router& router);
  ~BatchRunner();
  void start();
  /// Cancels what runs and waits for the lanes. Idempotent.
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared: news may come while we go
};

}  // namespace shenbi::server
