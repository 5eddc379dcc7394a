#pragma once
// The page's words (docs/page-api.md), shared by its routes.

#include <string>

#include "chat/types.h"
#include "gateway/provider.h"
#include "server/access.h"
#include "server/conversations.h"
#include "server/router.h"

namespace shenbi::server {

/// The provider's models that the caller's key includes.
std::vector<gateway::ModelInfo> visible_models(RouteCall& call);

chat::OrderedJson model_json(const gateway::ModelInfo& model);
chat::OrderedJson summary_json(const StoredConversation& conversation);

/// One line of at most 200 characters: control characters become spaces.
std::string bounded_title(const std::string& text);

/// The beginning of a first question, as a title.
std::string title_of(const std::string& question);

/// Null where there is none.
chat::OrderedJson text_or_null(const std::string& text);

/// One line; bytes that are no UTF-8 become replacement characters.
std::string dumped(const chat::OrderedJson& json);

void send_json(RouteCall& call, int status, const chat::OrderedJson& body);

}  // namespace shenbi::server
