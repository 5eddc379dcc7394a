// The server's outside: a listening socket, the threads, the way down.
//
// One listening socket, and sockets handed out to the loop with the fewest connections: SO_REUSEPORT would spread by a
// hash, so that two long streams may share a core while another idles, and it would let a second server take the same
// port unnoticed.

#include "net/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "net/server_loop.h"

namespace shenbi::net {
namespace {

// Connections beyond the bound that are told so; more are closed without a word.
constexpr uint64_t kRefusedAtOnce = 256;
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

// A bound and listening socket, and the port it got.
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

// The soft limit of open files is often 1024; the hard one is what the administrator meant.
void allow_files(uint64_t connections) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  const rlim_t wanted = std::min<rlim_t>(connections + kRefusedAtOnce + kOtherFiles, files.rlim_max);
  if (files.rlim_cur >= wanted) return;
  files.rlim_cur = wanted;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

struct HttpServer::Impl {
  ServerShared shared;
  std::vector<std::unique_ptr<Loop>> loops;
  std::vector<std::thread> threads;
  std::mutex mutex;  // of start and stop
  std::atomic<uint16_t> port{0};

  void take_socket(int fd, std::string peer) {
    ++shared.connections;
    const uint64_t open = ++shared.open_connections;
    const uint64_t bound = shared.options.max_connections;
    if (open > bound + kRefusedAtOnce) {
      ++shared.refused;
      ::close(fd);
      shared.connection_closed();
      return;
    }
    const auto& least = *std::ranges::min_element(loops, {}, [](const auto& loop) { return loop->connections(); });
    least->adopt(fd, std::move(peer), open > bound);
  }
};

HttpServer::HttpServer(ServerOptions options, Admit admit, Handle handle) : impl_(std::make_unique<Impl>()) {
  impl_->shared.options = std::move(options);
  impl_->shared.admit = std::move(admit);
  impl_->shared.handle = std::move(handle);
}

HttpServer::~HttpServer() { stop(std::chrono::milliseconds(0)); }

void HttpServer::start() {
  const std::lock_guard lock(impl_->mutex);
  SHENBI_CHECK(impl_->loops.empty());
  const ServerOptions& options = impl_->shared.options;
  std::shared_ptr<Tls> tls;
  if (options.certificate_file.empty() != options.key_file.empty())
    throw Error(Code::kInvalidArgument, "TLS needs both a certificate file and a key file");
  if (!options.certificate_file.empty()) tls = load_tls(options.certificate_file, options.key_file);
  const auto [fd, port] = listen_on(options);
  allow_files(options.max_connections);
  impl_->port = port;
  for (int i = 0; i < std::max(1, options.threads); ++i)
    impl_->loops.push_back(std::make_unique<Loop>(impl_->shared, tls));
  for (const auto& loop : impl_->loops) impl_->threads.emplace_back([&loop = *loop] { loop.run(); });
  impl_->loops.front()->accept_from(
      fd, [impl = impl_.get()](int socket, std::string peer) { impl->take_socket(socket, std::move(peer)); });
}

uint16_t HttpServer::port() const noexcept { return impl_->port; }

ServerCounts HttpServer::counts() const noexcept {
  const ServerShared& shared = impl_->shared;
  return {.connections = shared.connections,
          .requests = shared.requests,
          .open_connections = shared.open_connections,
          .open_requests = shared.open_requests,
          .refused = shared.refused,
          .bad_requests = shared.bad_requests};
}

void HttpServer::stop(std::chrono::milliseconds patience) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->threads.empty()) return;
  ServerShared& shared = impl_->shared;
  shared.stopping = true;
  for (const auto& loop : impl_->loops) loop->drain();
  {
    std::unique_lock open(shared.none_open_mutex);
    shared.none_open.wait_for(open, patience, [&] { return shared.open_connections == 0; });
  }
  // The accepting loop first: while it runs it may hand sockets to the others.
  for (size_t i = 0; i < impl_->loops.size(); ++i) {
    impl_->loops[i]->finish();
    impl_->threads[i].join();
  }
  impl_->threads.clear();
}

}  // namespace shenbi::net
