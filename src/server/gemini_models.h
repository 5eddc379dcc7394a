#pragma once
// The list of models in Google's words. Its clients ask for it under /v1beta or /v1, where OpenAI's have theirs.

#include "server/router.h"

namespace shenbi::server {

/// Google's clients name themselves.
bool is_gemini_client(const RouteCall& call);
void list_gemini_models(RouteCall& call);
/// `model` without "models/" in front.
void show_gemini_model(RouteCall& call, const std::string& model);

}  // namespace shenbi::server
