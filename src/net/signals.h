#pragma once
// Threads that serve sockets take no signals.

#include <signal.h>

namespace shenbi::net {

/// Signals are the main thread's; and OpenSSL writes to sockets whose other end may be gone, which would end the
/// program.
inline void block_signals() noexcept {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace shenbi::net
