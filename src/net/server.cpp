// The server's outside: a listening socket, the threads, the way down.
//
// One listening socket, and sockets handed out to the loop with the fewest connections: SO_REUSEPORT would spread by a
// hash, so that two long streams may share a core while another idles, and it would let a second server take the same
// port unnoticed.

#include "net/server.h"

#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "net/server_loop.h"
#include "net/server_socket.h"

namespace shenbi::net {
namespace {

// Connections beyond the bound that are told so; more are closed without a word.
constexpr uint64_t kRefusedAtOnce = 256;
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
  allow_files(options.max_connections + kRefusedAtOnce);
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
