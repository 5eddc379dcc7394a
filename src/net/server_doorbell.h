#pragma once
// How other threads tell a loop that connections of it have something to send. What rings before the loop looks is
// gathered: one write to an eventfd wakes it for all.
//
// ring() holds no lock while the kernel wakes the loop, and must be called without one: a thread that wakes takes the
// processor of the one that woke it (base/scheduling.h), and if it then needs a lock of that thread,
// it waits there, is woken again and may lose its turn for a time slice. Measured behind an engine on all cores: three
// wake-ups a token, and in one answer of three the first token 4 ms late.

#include <memory>
#include <mutex>
#include <vector>

namespace shenbi::net {

class Doorbell {
 public:
  /// Who rang; on the loop's thread.
  class Guest {
   public:
    virtual ~Guest() = default;
    virtual void pump() = 0;
  };

  /// Throws Error{kUnavailable} if the process has no descriptor left.
  Doorbell();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  /// Any thread, also when the loop or the guest is gone.
  void ring(std::weak_ptr<Guest> guest);
  /// Becomes readable when somebody has rung: 8 bytes, to be read before take().
  int descriptor() const noexcept { return descriptor_; }
  /// All who rang since the last call.
  std::vector<std::weak_ptr<Guest>> take();

 private:
  const int descriptor_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Guest>> guests_;
};

}  // namespace shenbi::net
