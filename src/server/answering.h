#pragma once
// One request's answer on its way: calls to the provider, their events through the dialect's writer, its bytes to the
// client. A client that leaves cancels every call.

#include <functional>
#include <memory>
#include <vector>

#include "chat/dialect.h"
#include "gateway/passage.h"
#include "gateway/provider.h"
#include "server/router.h"

namespace shenbi::server {

struct AnswerPlan {
  std::unique_ptr<chat::AnswerWriter> writer;
  bool stream = false;
  bool passed = false;    ///< the writer hands on bytes that may not be its own
  std::string cache_key;  ///< of the answer cache; "": that of the request's body, if it is still there
  std::string model;
  /// Sees each event before the writer does.
  std::function<void(const chat::Event&)> before;
  /// Sees the whole answer once it is complete, streamed or not (stored responses). On a worker, if one is
  /// free.
  std::function<void(const chat::AnswerWriter&)> after;
  /// One for each choice. A start that throws is an error of the whole request if nothing has been sent.
  std::vector<std::function<gateway::CallPtr(gateway::EventSink)>> starts;
};

/// Starts the calls and returns; the answer goes out as it comes.
void answer(RouteCall& call, AnswerPlan plan);

/// For Route::at_once_if, of OpenAI's and Anthropic's answers: a short and plain request to a model in memory. Where
/// instances share a database, or somebody has a budget, a row must be written first.
bool can_answer_at_once(State& state, const net::ServerRequest& request);
/// As that, and besides: a request that an upstream with this dialect gets as it is.
RoutePredicate can_pass_at_once(gateway::Dialect dialect);

/// Embeds, measured like an answer. Blocks, no longer than the client is there.
gateway::Embeddings embed(RouteCall& call, const std::string& model, const std::vector<std::string>& texts,
                          uint32_t dimensions);
/// Puts documents in order, in the same way.
gateway::Ranking rank(RouteCall& call, gateway::RerankRequest request);

/// The seed of choice `index`: different draws, and the same ones each time the request is repeated.
void set_choice_seed(chat::Sampling& sampling, uint32_t index);

int64_t seconds_now();

/// Fit for a header: names of models come from requests and from houses, and a header has room for visible ASCII.
std::string header_text(std::string text);

/// Whose request it is, and behind whom it waits: before it goes to the provider.
void mark_caller(const RouteCall& call, chat::Generation& request);

/// Of this request in the answer cache; "" if it is not to be kept or there is no cache.
std::string cache_key(const RouteCall& call);

/// Names a model in a request: its key must include it and have tokens left.
void check_caller(RouteCall& call, const std::string& model);

}  // namespace shenbi::server
