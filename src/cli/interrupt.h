#pragma once
// Ctrl-C stops the answer, not the program: while an Interrupt object lives, SIGINT sets a flag that the running loop
// reads.

#include <atomic>

namespace shenbi::cli {

class Interrupt {
 public:
  Interrupt();   ///< takes SIGINT over
  ~Interrupt();  ///< gives it back
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool raised() const noexcept;
  const std::atomic<bool>& flag() const noexcept;  ///< for loops below the cli module
  void clear() noexcept;
};

}  // namespace shenbi::cli
