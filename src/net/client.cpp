#include "net/client.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>

#include "net/client_exchange.h"
#include "net/client_loop.h"
#include "net/client_request.h"
#include "net/web_socket.h"

namespace shenbi::net {

struct Client::Impl {
  std::vector<std::unique_ptr<ClientThread>> threads;
  std::atomic<uint32_t> next{0};

  ClientOptions options;
  std::mutex mutex;
  std::optional<Error> end;
  std::unique_ptr<WebSocketLoop> sockets;  // made when first asked for: most programs need none
  std::map<LoopHost*, std::shared_ptr<ClientLoop>> hosted;

  ~Impl() {
    for (const auto& [host, loop] : hosted) loop->stop();
  }

  // Of the server's loop that the caller runs; null if it is none, or one that ends.
  std::shared_ptr<ClientLoop> hosted_here() {
    LoopHost* const host = LoopHost::of_this_thread();
    if (!host) return nullptr;
    const std::lock_guard lock(mutex);
    const auto known = hosted.find(host);  // another host may have lived at this address
    if (known != hosted.end() && !known->second->has_left()) return known->second;
    auto loop = std::make_shared<ClientLoop>(options);
    if (end) loop->end_all(*end);
    if (!host->take_in(loop)) return nullptr;
    hosted[host] = loop;
    return loop;
  }

  WebSocketLoop& web_sockets() {
    const std::lock_guard lock(mutex);
    if (!sockets) {
      sockets = std::make_unique<WebSocketLoop>(options);
      if (end) sockets->end_all(*end);
    }
    return *sockets;
  }
};

namespace {

bool is_web_socket(const std::string& url) {
  const std::string scheme = lower(std::string_view(url).substr(0, url.find(':')));
  return scheme == "ws" || scheme == "wss";
}

}  // namespace

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>()) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  SHENBI_CHECK(started == CURLE_OK);
  for (int i = 0; i < std::max(1, options.threads); ++i)
    impl_->threads.push_back(std::make_unique<ClientThread>(options));
  impl_->options = std::move(options);
}

Client::~Client() = default;

std::shared_ptr<ClientCall> Client::start(ClientRequest request, ClientEvents events) {
  if (is_web_socket(request.url)) return impl_->web_sockets().start(std::move(request), std::move(events));
  if (const auto here = impl_->hosted_here()) {
    auto exchange = std::make_shared<ClientExchange>(std::move(request), std::move(events), here->mailbox());
    if (here->mailbox()->lay_in(exchange)) LoopHost::of_this_thread()->call_soon(*here);
    return exchange;
  }
  // Turn by turn: connections belong to a loop, so each keeps its share of those to a host.
  const auto& mailbox = impl_->threads[impl_->next++ % impl_->threads.size()]->loop().mailbox();
  auto exchange = std::make_shared<ClientExchange>(std::move(request), std::move(events), mailbox);
  mailbox->post(exchange);
  return exchange;
}

void Client::end_all(const Error& why) {
  for (const auto& thread : impl_->threads) thread->loop().end_all(why);
  const std::lock_guard lock(impl_->mutex);
  for (const auto& [host, loop] : impl_->hosted) loop->end_all(why);
  impl_->end = why;
  if (impl_->sockets) impl_->sockets->end_all(why);
}

}  // namespace shenbi::net
