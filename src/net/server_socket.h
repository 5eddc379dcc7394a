#pragma once
// What the server asks of the operating system directly: a listening socket, the sockets that arrive there, their
// options.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "net/server.h"

namespace shenbi::net {

/// A bound, listening, non-blocking socket, and the port it got. Throws Error{kInvalidArgument} naming address and
/// reason.
std::pair<int, uint16_t> listen_on(const ServerOptions& options);

/// Raises the soft limit of open files, often 1024, so that `connections` fit beside the rest of the program; the hard
/// limit is what the administrator meant.
void allow_files(uint64_t connections);

enum class Accepted { kSocket, kNothing, kNoFiles };

/// The next connection that waits at `listener`: `fd` is then the caller's, `peer` its address. kNoFiles: EMFILE and
/// its kin, the connection goes on waiting.
Accepted accept_from_backlog(int listener, int& fd, std::string& peer);

void set_socket_options(int fd, std::chrono::milliseconds write_timeout);

/// What the socket takes of `bytes` without waiting; 0 also for a connection that is broken.
size_t send_some(int fd, std::string_view bytes) noexcept;

}  // namespace shenbi::net
