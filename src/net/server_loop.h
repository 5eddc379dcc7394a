#pragma once
// One thread's event loop and the connections that live on it. A connection never leaves its loop, so all it does needs
// no lock; what comes from other threads is posted.

#include <functional>
#include <memory>
#include <string>

#include "net/server_conversation.h"

namespace shenbi::net {

/// Certificate and key, ready for use by every loop.
struct Tls;

/// Reads both PEM files. Throws Error{kInvalidArgument} naming the file and what is wrong with it.
std::shared_ptr<Tls> load_tls(const std::string& certificate_file, const std::string& key_file);

class Loop {
 public:
  /// `tls` null: plain connections. `shared` must outlive the loop.
  Loop(ServerShared& shared, std::shared_ptr<Tls> tls);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// The thread's body; returns after finish(), when the last connection is gone.
  void run();

  // --- any thread ---
  /// Hands every socket that arrives at the listening socket `fd` (which it owns from now on) to `on_socket`, on the
  /// loop's thread, until drain().
  void accept_from(int fd, std::function<void(int fd, std::string peer)> on_socket);
  /// Serves the connected socket `fd`; with `refuse` it only says 503.
  void adopt(int fd, std::string peer, bool refuse);
  /// Stops accepting and closes idle connections; the others close behind their answer (ServerShared::stopping is set).
  void drain();
  /// Cuts every connection and lets run() return.
  void finish();
  /// Connections given to adopt() and not closed yet.
  int connections() const noexcept;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace shenbi::net
