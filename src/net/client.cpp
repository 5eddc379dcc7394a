#include "net/client.h"

#include <algorithm>
#include <atomic>

#include "net/client_exchange.h"
#include "net/client_loop.h"

namespace shenbi::net {

struct Client::Impl {
  std::vector<std::unique_ptr<ClientLoop>> loops;
  std::atomic<uint32_t> next{0};
};

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>()) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  SHENBI_CHECK(started == CURLE_OK);
  for (int i = 0; i < std::max(1, options.threads); ++i) impl_->loops.push_back(std::make_unique<ClientLoop>(options));
}

Client::~Client() = default;

std::shared_ptr<ClientCall> Client::start(ClientRequest request, ClientEvents events) {
  // Turn by turn: connections belong to a loop, so each keeps its share of those to a host.
  const auto& mailbox = impl_->loops[impl_->next++ % impl_->loops.size()]->mailbox();
  auto exchange = std::make_shared<ClientExchange>(std::move(request), std::move(events), mailbox);
  mailbox->post(exchange);
  return exchange;
}

void Client::end_all(const Error& why) {
  for (const auto& loop : impl_->loops) loop->end_all(why);
}

}  // namespace shenbi::net
