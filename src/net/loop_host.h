#pragma once
// A thread with an event loop takes in others, who wait for sockets of their own: what is read from one host and told
// to one client then needs no second thread to be woken for it.
//
//   if (LoopHost* host = LoopHost::of_this_thread()) host->take_in(guest);

#include <chrono>
#include <memory>

namespace shenbi::net {

class LoopGuest {
 public:
  virtual ~LoopGuest() = default;
  /// Readable when turn() has something to do. Of the guest, and open until it is gone.
  virtual int descriptor() const noexcept = 0;
  /// Does what can be done now; must not block. False: it is through and wants no further turn.
  virtual bool turn() = 0;
  /// When it wants a turn at the latest, besides; max: never by time.
  virtual std::chrono::steady_clock::time_point next() const = 0;
  /// The loop ends, and no further turn comes.
  virtual void leave() = 0;
};

/// All of it on the loop's thread.
class LoopHost {
 public:
  /// False: the loop is ending.
  virtual bool take_in(std::shared_ptr<LoopGuest> guest) = 0;
  /// A turn behind what the thread does at the moment, but before it sleeps.
  virtual void call_soon(const LoopGuest& guest) = 0;

  /// The loop that the calling thread runs; null: none that takes guests.
  static LoopHost* of_this_thread() noexcept { return this_thread_; }

 protected:
  ~LoopHost() = default;
  inline static thread_local LoopHost* this_thread_ = nullptr;
};

}  // namespace shenbi::net
