#include "net/client.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>

#include "net/client_exchange.h"
#include "net/client_loop.h"
#include "net/client_request.h"
#include "net/web_socket.h"

namespace shenbi::net {

struct Client::Impl {
  std::vector<std::unique_ptr<ClientLoop>> loops;
  std::atomic<uint32_t> next{0};

  ClientOptions options;
  std::mutex mutex;
  std::optional<Error> end;
  std::unique_ptr<WebSocketLoop> sockets;  // made when first asked for: most programs need none

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
  for (int i = 0; i < std::max(1, options.threads); ++i) impl_->loops.push_back(std::make_unique<ClientLoop>(options));
  impl_->options = std::move(options);
}

Client::~Client() = default;

std::shared_ptr<ClientCall> Client::start(ClientRequest request, ClientEvents events) {
  if (is_web_socket(request.url)) return impl_->web_sockets().start(std::move(request), std::move(events));
  // Turn by turn: connections belong to a loop, so each keeps its share of those to a host.
  const auto& mailbox = impl_->loops[impl_->next++ % impl_->loops.size()]->mailbox();
  auto exchange = std::make_shared<ClientExchange>(std::move(request), std::move(events), mailbox);
  mailbox->post(exchange);
  return exchange;
}

void Client::end_all(const Error& why) {
  for (const auto& loop : impl_->loops) loop->end_all(why);
  const std::lock_guard lock(impl_->mutex);
  impl_->end = why;
  if (impl_->sockets) impl_->sockets->end_all(why);
}

}  // namespace shenbi::net
