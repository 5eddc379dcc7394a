#include "net/server_socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace shenbi::net {
namespace {

// Files the rest of the program needs beside the connections.
constexpr rlim_t kOtherFiles = 512;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Address parse_address(const ServerOptions& options) {
  std::string host = options.host == "localhost" ? "127.0.0.1" : options.host;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  Address out;
  auto& v4 = reinterpret_cast<sockaddr_in&>(out.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(out.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(options.port);
    out.size = sizeof v4;
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(options.port);
    out.size = sizeof v6;
  } else {
    throw Error(Code::kInvalidArgument,
                fmt::format("host '{}' is neither a numeric address nor 'localhost'", options.host));
  }
  return out;
}

std::string address_text(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text.data(), text.size());
  } else if (address.ss_family == AF_INET6) {
    const in6_addr& ip = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&ip))
      ::inet_ntop(AF_INET, ip.s6_addr + 12, text.data(), text.size());
    else
      ::inet_ntop(AF_INET6, &ip, text.data(), text.size());
  }
  return text.data();
}

}  // namespace

std::pair<int, uint16_t> listen_on(const ServerOptions& options) {
  Address address = parse_address(options);
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int yes = 1, no = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (address.storage.ss_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
  auto* where = reinterpret_cast<sockaddr*>(&address.storage);
  if (fd < 0 || ::bind(fd, where, address.size) != 0 || ::listen(fd, SOMAXCONN) != 0 ||
      ::getsockname(fd, where, &address.size) != 0) {
    const std::string reason = std::strerror(errno);
    if (fd >= 0) ::close(fd);
    throw Error(Code::kInvalidArgument, fmt::format("cannot listen on {}:{}: {}", options.host, options.port, reason));
  }
  return {fd, ntohs(address.storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(where)->sin6_port
                                                          : reinterpret_cast<sockaddr_in*>(where)->sin_port)};
}

void allow_files(uint64_t connections) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  const rlim_t wanted = std::min<rlim_t>(connections + kOtherFiles, files.rlim_max);
  if (files.rlim_cur >= wanted) return;
  files.rlim_cur = wanted;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

Accepted accept_from_backlog(int listener, int& fd, std::string& peer) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  do {
    fd = ::accept4(listener, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (fd < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Accepted::kNothing : Accepted::kNoFiles;
  peer = address_text(address);
  return Accepted::kSocket;
}

void set_socket_options(int fd, std::chrono::milliseconds write_timeout) {
  const int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  // A peer that vanished without a FIN: bytes that nobody acknowledges end the connection, as a slow reader's do.
  const auto patience = static_cast<unsigned>(write_timeout.count());
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
}

size_t send_some(int fd, std::string_view bytes) noexcept {
  const ssize_t size = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return size > 0 ? static_cast<size_t>(size) : 0;
}

}  // namespace shenbi::net
