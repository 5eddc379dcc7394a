#pragma once
// Threads for work that may block: loading a model, rendering a prompt, waiting for the database. The event loops never
// wait. A job goes to the thread that ran out of work last: its memory is still in a cache, that of one that has slept
// through the last hundred passes of a model is not.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace shenbi::server {

class Workers {
 public:
  explicit Workers(int threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// `job` must not throw. False: the queue is full or stopped, the job was not taken.
  bool run(std::function<void()> job);
  /// Taken however full the queue is: for what must be written down, one job for something that was admitted before.
  void insist(std::function<void()> job);
  /// Runs what is queued to its end; nothing is taken any more. Idempotent; not from a job.
  void stop();
  size_t queued() const;
  /// Threads that wait for a job.
  size_t idle() const;

 private:
  struct Seat {
    std::condition_variable called;
    bool is_called = false;
  };

  bool push(std::function<void()> job, size_t most);
  void work(Seat& seat);
  mutable std::mutex mutex_;
  std::deque<Seat> seats_;  // of the threads
  std::vector<Seat*> idle_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace shenbi::server
