#include "cli/interrupt.h"

#include <signal.h>

namespace shenbi::cli {
namespace {

std::atomic<bool> raised_flag = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");
struct sigaction previous{};

void on_interrupt(int) { raised_flag = true; }

}  // namespace

Interrupt::Interrupt() {
  raised_flag = false;
  struct sigaction action{};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &previous);  // no SA_RESTART: a blocking read returns, so that a prompt can be abandoned
}
Interrupt::~Interrupt() { ::sigaction(SIGINT, &previous, nullptr); }
bool Interrupt::raised() const noexcept { return raised_flag; }
const std::atomic<bool>& Interrupt::flag() const noexcept { return raised_flag; }
void Interrupt::clear() noexcept { raised_flag = false; }

}  // namespace shenbi::cli
