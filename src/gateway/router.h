#pragma once
// One door in front of all models, local and upstream: finds who can answer to a name, asks the best, and asks the next
// when that one fails before it has said anything.
//
// Names, in this order:
//   a name that the operator gave (gateway/routes.h): its models, in the order he chose
//   auto, auto:WORDS             the models that fulfil the words, best first (gateway/route_rule.h)
//   UPSTREAM/MODEL               that upstream's model, whether its list holds it or not
//   a local model's name         the engine
//   MODEL                        every upstream that offers it, by priority, then by turns in proportion to weight
//
// Upstreams whose keys all cool down come last. A failure moves on if it may go better elsewhere (no connection, 408,
// 429, 5xx, a refused key) and the answer has not begun; inside an answer it is the answer's end. What the caller got
// wrong (400, 404, 413, 422) is told at once.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/model.h"
#include "gateway/provider.h"
#include "gateway/remote.h"
#include "gateway/routes.h"
#include "gateway/upstreams.h"

namespace shenbi::gateway {

inline constexpr std::string_view kLocal = "local";  ///< the engine, where an upstream is named

/// One try at one upstream (or the engine), once it is over: what the ledger keeps.
struct Attempt {
  std::string wanted;    ///< the name that was asked for
  std::string upstream;  ///< kLocal for the engine
  std::string model;     ///< as the upstream calls it
  std::string tenant;    ///< whose key
  std::string request_id;
  uint64_t reservation = 0;                ///< what RouterOptions::admit gave
  uint32_t number = 0;                     ///< 0 for the first try of a request
  int64_t started = 0;                     ///< seconds since 1970
  double first_token_s = -1, total_s = 0;  ///< first_token_s < 0: none came
  enum class Outcome {
    kSettled,    ///< ended with its usage
    kEstimated,  ///< ended without telling its usage: `usage` is counted here
    kAborted,    ///< our caller left; `usage` is counted here
    kFailed,     ///< `usage` is counted here if an answer had begun, else nothing: houses do not charge for refusals
  } outcome = Outcome::kFailed;
  chat::Usage usage;
  std::string raw_usage;  ///< as the house wrote it
  int status = 0;         ///< kFailed
  std::string error;
  /// Of media: what it may come to; once it is over, what came (nothing of a try that failed before it began).
  std::optional<MediaUse> media = std::nullopt;
};

/// What a try may take at most, for those who keep budgets.
struct Need {
  std::function<uint64_t()> prompt_tokens;  ///< by its text; not counted unless asked for
  std::optional<uint64_t> max_tokens;       ///< of an answer; nothing: as many as the model writes
  uint64_t answers = 1;                     ///< asked for at once
};

struct RouterOptions {
  uint32_t max_attempts = 3;
  /// Where the next try is started: an upstream's thread may not block, and loading a local model does. False: no room.
  std::function<bool(std::function<void()>)> run = [](std::function<void()> job) { return job(), true; };
  /// Asked before each try. What it throws is told to the caller, and nobody else is asked; what it returns comes back
  /// with the attempt, however that ends.
  std::function<uint64_t(const Attempt&, const Need&)> admit;
  /// Called on the way of the answer's last event: must not block.
  std::function<void(const Attempt&)> on_attempt;
  /// The number of the request that the calling thread handles; for Attempt::request_id.
  std::function<std::string()> request_id = [] { return std::string(); };
  /// Null: no names but the models' own. Must outlive the router.
  Routes* routes = nullptr;
  /// What is known of a model, with the price of this account alone; `upstream` null: a local one. For rules. Null: its
  /// name.
  std::function<catalog::Model(const Upstream* upstream, const ModelInfo& info)> describe;
  RemoteOptions remote;
  net::ClientOptions client;
  uint64_t seed = 0;  ///< of the turns by weight; 0: from the clock
};

class Router final : public Provider, public Passing {
 public:
  /// `upstreams` must outlive it; a change of them counts from the next request on.
  Router(std::shared_ptr<Provider> local, Upstreams& upstreams, RouterOptions options = {});
  ~Router() override;

  /// "deepseek/deepseek-chat" and the like behind the local ones.
  std::vector<ModelInfo> models() override;
  void prepare(const std::string& model) override;
  /// Of a model of our own that nobody else offers and no route stands before.
  bool is_ready(const std::string& model) override;
  CallPtr chat(chat::ChatRequest request, EventSink sink) override;
  CallPtr complete(chat::CompletionRequest request, EventSink sink) override;
  bool passes_any() override;
  bool passes(const std::string& model, Dialect dialect) override;
  /// Of a model that is named with its upstream: which others are here is a question to the disk.
  bool passes_at_once(const std::string& model, Dialect dialect) override;
  CallPtr pass(Passage passage, WireSink wire, EventSink sink) override;
  /// Error{kUnsupported}, where the prompt holds thinking that is kept from who would count it.
  std::optional<std::string> count(Passage passage, std::stop_token stop) override;
  Embeddings embed(const EmbedRequest& request, std::stop_token stop) override;
  /// Ranking::tokens is counted here where the house does not tell.
  Ranking rerank(const RerankRequest& request, std::stop_token stop) override;
  CallPtr media(const MediaRequest& request, MediaWire wire, EventSink sink) override;
  /// Tries in turn until one has taken the job. That one is not filed: it comes back with the job, for file().
  MediaJob submit(const MediaRequest& request, std::stop_token stop) override;
  /// Of the upstream that has the job: Error{kNotFound} if that is configured no more.
  MediaJob look(const MediaJob& job, std::stop_token stop) override;
  bool cancel(const MediaJob& job, std::stop_token stop) override;
  std::string fetch(const MediaJob& job, const MediaWriter& write, std::stop_token stop) override;
  std::vector<int32_t> tokenize(const std::string& model, std::string_view text, bool add_special,
                                bool parse_special) override;
  std::string detokenize(const std::string& model, const std::vector<int32_t>& ids) override;
  std::pair<std::string, std::vector<int32_t>> prompt_of(const chat::ChatRequest& request) override;
  void end_all(const Error& why) override;

  struct Target {
    std::shared_ptr<Provider> provider;
    std::shared_ptr<Remote> remote;  ///< the same if it is an upstream
    std::string upstream, model;
    std::string why;  ///< it is asked, in a few words
  };
  /// Whom a request for `model` would be put to, in order. Never empty: a name nobody knows is the engine's to refuse.
  /// The first event of an answer that goes through here has in `name` who answers ("deepseek/deepseek-chat", a local
  /// model's name alone) and in `id` why; its kError has in `index` how many seconds to wait, as far as that is known.
  /// `output`: what the models of a rule have to make.
  std::vector<Target> targets(const std::string& model, std::string_view output = "text");
  /// Whether `model` is a rule, a name of the operator's or a model of an upstream. For faces whose own names of the
  /// engine's models have another form.
  bool leads_further(const std::string& model);

 private:
  std::vector<Target> of_name(const std::string& model, const std::string& why);
  std::vector<Target> of_rule(const std::string& rule, const std::string& why, std::string_view output);
  std::vector<Target> of_route(const NamedRoute& route, std::string_view output);
  struct RoutedCall routed(const std::string& model, std::string_view output = "text");
  std::shared_ptr<Remote> remote(const std::string& upstream);  // null: there is none of that name
  std::shared_ptr<Remote> upstream_of(const MediaJob& job);
  const RouterOptions& options() const noexcept;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace shenbi::gateway
