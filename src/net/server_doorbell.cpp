#include "net/server_doorbell.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace shenbi::net {
namespace {

int open_eventfd() {
  const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (descriptor < 0) throw Error(Code::kUnavailable, fmt::format("http server: eventfd: {}", std::strerror(errno)));
  return descriptor;
}

}  // namespace

Doorbell::Doorbell() : descriptor_(open_eventfd()) {}
Doorbell::~Doorbell() { ::close(descriptor_); }

void Doorbell::ring(std::weak_ptr<Guest> guest) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = guests_.empty();
    guests_.push_back(std::move(guest));
  }
  if (!first) return;  // who was first wakes the loop for all
  const uint64_t one = 1;
  while (::write(descriptor_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

std::vector<std::weak_ptr<Doorbell::Guest>> Doorbell::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(guests_, {});
}

}  // namespace shenbi::net
