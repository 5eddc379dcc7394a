#pragma once
// Requests that need no translation: whoever is asked speaks the caller's dialect. Keys, models, quotas and sizes are
// checked as everywhere; the rest is the upstream's to understand.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "chat/dialect.h"
#include "gateway/passage.h"
#include "server/router.h"

namespace shenbi::server {

/// What the dialect has to do if the request goes to somebody else after all.
struct Translation {
  chat::ChatRequest request;
  std::function<std::unique_ptr<chat::AnswerWriter>()> writer;
};

struct PassablePath {
  gateway::Dialect dialect;
  std::string model;                                              ///< where the path names it; "": the body does
  std::optional<bool> stream;                                     ///< likewise
  std::function<Translation(const std::string& body)> translate;  ///< throws what the dialect's parser throws
};

/// True: the request is on its way. False: it must be translated, or is for the dialect's own parser to refuse.
bool pass(RouteCall& call, PassablePath path);

/// Of a request that only asks how long its prompt is. True: the house's answer to it, or the house's error, is told.
/// False: it is counted here, or is for the dialect's own parser to refuse. Blocks, no longer than the client is there.
bool pass_count(RouteCall& call, PassablePath path);

}  // namespace shenbi::server
