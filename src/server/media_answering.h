#pragma once
// One request for media on its way: its bytes to the client as the house sends them, with who answered and why on the
// head. A client that leaves cancels the call.

#include "gateway/media.h"
#include "server/router.h"

namespace shenbi::server {

/// Reads the request of the call, checks its key and starts it. The answer goes out as it comes.
void answer_media(RouteCall& call, gateway::MediaKind kind);

/// The request of the call, for a caller whose key includes its model and has something left.
gateway::MediaRequest media_request(RouteCall& call, gateway::MediaKind kind);

}  // namespace shenbi::server
