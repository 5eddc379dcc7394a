#pragma once
// A job at a house whose caller waits for the answer: submitted, looked at until it is over, its result told as any
// other answer. Waits for nobody in between: exchanges and alarms call each other.

#include <chrono>
#include <functional>
#include <optional>

#include "gateway/alarms.h"
#include "gateway/media_way.h"
#include "gateway/provider.h"
#include "gateway/remote_media.h"

namespace shenbi::gateway {

struct WaitedJob {
  std::string upstream;  ///< for messages
  MediaRequest request;
  JobWay way;
  /// Puts our proof on a request; with the key of that number, if one is given.
  std::function<Remote::Prepared(HouseCall call, std::optional<uint32_t> key)> prepare;
  Alarms& alarms;
  net::Client& client;
  std::chrono::milliseconds look_every;
  MediaWire wire;
};

/// Throws what the request's translation and the key throw. Who cancels has the house stop too, where it can; so does
/// a job that is not over when an answer in one piece should be there (status 504).
CallPtr start_waited_job(WaitedJob job, EventSink sink);

}  // namespace shenbi::gateway
