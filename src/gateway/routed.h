#pragma once
// A request and its tries, one after the other, or two beside each other, until one of them has begun to answer.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gateway/alarms.h"
#include "gateway/router.h"

namespace shenbi::gateway {

/// Whether an error of this status may be somebody else's good answer.
bool may_go_better_elsewhere(int status);

struct RoutedCall {
  std::vector<Router::Target> targets;  ///< in the order in which they are tried
  Attempt blank;                        ///< what every try's row begins with
  Need need;                            ///< of every try
  /// Starts a try. Throws what the provider throws. `speak` has to be asked before bytes of the answer are handed on
  /// past the sink: false, another try has won.
  std::function<CallPtr(const Router::Target&, std::function<bool()> speak, EventSink)> start;
  /// When nothing has been said for so long a second one is asked beside the first, and whoever speaks first answers.
  /// 0: never.
  std::chrono::milliseconds hedge_after{0};
  Alarms* alarms = nullptr;  ///< needed for that
};

/// Throws what the last try threw, if none could be started.
CallPtr start_routed(RoutedCall call, EventSink sink, const RouterOptions& options);

}  // namespace shenbi::gateway
