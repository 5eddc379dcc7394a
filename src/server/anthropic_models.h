#pragma once
// The list of models in Anthropic's words. Its clients ask for it where OpenAI's have theirs.

#include "server/router.h"

namespace shenbi::server {

/// Anthropic's clients send the version of the API they speak.
bool is_anthropic_client(const RouteCall& call);
void list_anthropic_models(RouteCall& call);
void show_anthropic_model(RouteCall& call, const std::string& name);

}  // namespace shenbi::server
