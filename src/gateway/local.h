#pragma once
// The engine as a provider: chat and completion requests become prompts, grammars and sampling of local models.

#include <memory>

#include "engine/service.h"
#include "gateway/provider.h"

namespace shenbi::gateway {

/// `preload`: store names or paths that are offered besides what the model store lists.
std::shared_ptr<Provider> make_local_provider(std::shared_ptr<engine::Service> service,
                                              std::vector<std::string> preload = {});

}  // namespace shenbi::gateway
