#pragma once
// Media at one upstream: an answer that comes in one piece or as it is made, and jobs.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gateway/media_way.h"
#include "gateway/remote.h"
#include "gateway/remote_call.h"
#include "gateway/secrets.h"

namespace shenbi::gateway {

/// A request with our proof on it.
struct Remote::Prepared {
  net::ClientRequest request = {};
  uint32_t key = 0;
  Secrets secrets = {};
  std::function<chat::UpstreamError(int status, std::string_view body)> error;
  std::function<void(const RemoteAnswer::Finished&)> on_finished = {};
};

/// Names go into paths of some houses: nothing in them may climb out.
void check_model_name(const std::string& upstream, const std::string& model);

}  // namespace shenbi::gateway
