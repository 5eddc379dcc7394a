#pragma once
// A request and its tries, one after the other, until one of them has begun to answer.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gateway/router.h"

namespace shenbi::gateway {

/// Whether an error of this status may be somebody else's good answer.
bool may_go_better_elsewhere(int status);

struct RoutedCall {
  std::vector<Router::Target> targets;  ///< in the order in which they are tried
  Attempt blank;                        ///< what every try's row begins with
  Need need;                            ///< of every try
  /// Starts a try. Throws what the provider throws.
  std::function<CallPtr(const Router::Target&, EventSink)> start;
};

/// Throws what the last try threw, if none could be started.
CallPtr start_routed(RoutedCall call, EventSink sink, const RouterOptions& options);

}  // namespace shenbi::gateway
