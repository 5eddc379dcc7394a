#pragma once
// One upstream's models as a provider: neutral words are said in the house's dialect, its answer becomes events again.
//
// Every call is a stream upstream, whatever our own caller wants, so its first token is seen; only what is passed on in
// the caller's own dialect comes as he asked for it.
// An upstream's keys take turns; one that is refused or told to wait cools down and is passed over meanwhile. Nothing
// is tried twice here: that is the router's affair.
//
// Where the account wants it, personal data is kept from the house and put back into its answer (gateway/guarded.h).
//
// Events of an answer: `tokens` is 1 for each piece of content (a house does not tell how many tokens a piece holds;
// the usage at the end is exact), and kFinish carries in `text` the usage object as the house wrote it.

#include <chrono>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gateway/alarms.h"
#include "gateway/house.h"
#include "gateway/passage.h"
#include "gateway/provider.h"
#include "gateway/signatures.h"
#include "gateway/upstreams.h"
#include "guard/vault.h"

namespace shenbi::gateway {

struct RemoteOptions {
  std::function<std::chrono::steady_clock::time_point()> now = [] { return std::chrono::steady_clock::now(); };
  std::function<int64_t()> seconds_since_1970 = [] { return static_cast<int64_t>(std::time(nullptr)); };
  // Where the upstream's own configuration says nothing:
  /// Until a stream says something. Models that hide their thinking are silent for minutes; what is silent for five has
  /// rarely said anything afterwards.
  std::chrono::milliseconds first_timeout{300'000};
  /// Until an answer that comes in one piece is there: it has to be made first. As long as OpenAI's own client waits.
  std::chrono::milliseconds whole_timeout{600'000};
  /// Between two pieces of a stream that has begun: longer than any model pauses, and houses send signs of life.
  std::chrono::milliseconds idle_timeout{120'000};
  std::string personal_data = "send";  ///< or "mask", "block"
  /// Told of each request that something was taken from; from the thread that asks. May be null.
  std::function<void(const Upstream&, const guard::Vault&)> on_masked;
  /// What is remembered of signed thinking that was passed on; of all upstreams together.
  std::shared_ptr<SignatureBook> book = std::make_shared<SignatureBook>();
  /// For jobs whose callers wait: when to look again. The router's.
  Alarms* alarms = nullptr;
  /// Between the first looks at such a job; each pause is half as long again as the one before, up to ten times this.
  std::chrono::milliseconds look_every{500};
};

class Remote final : public Provider, public Passing {
 public:
  /// `client` must outlive it. Throws Error{kInvalidArgument} if there is no such house.
  Remote(Upstream upstream, net::Client& client, RemoteOptions options = {});
  ~Remote() override;

  const Upstream& upstream() const noexcept;
  /// Whether some key is not cooling down.
  bool ready() const;
  /// Until one is not; 0 if there is one now.
  std::chrono::seconds wait() const;
  /// Offered by name: configured or listed by the house. What it does not list it may still have.
  bool offers(std::string_view model) const;

  /// Ids without the upstream's name in front. What is known now; a list that is too old is fetched anew meanwhile.
  std::vector<ModelInfo> models() override;
  void prepare(const std::string& model) override;
  CallPtr chat(chat::ChatRequest request, EventSink sink) override;
  CallPtr complete(chat::CompletionRequest request, EventSink sink) override;
  bool passes_any() override { return true; }
  bool passes(const std::string& model, Dialect dialect) override;
  bool passes_at_once(const std::string& model, Dialect dialect) override;
  CallPtr pass(Passage passage, WireSink wire, EventSink sink) override;
  /// Whether the house tells in this dialect how long a prompt is.
  bool counts(Dialect dialect) const;
  std::optional<std::string> count(Passage passage, std::stop_token stop) override;
  Embeddings embed(const EmbedRequest& request, std::stop_token stop) override;
  /// Error{kUnsupported} naming the house if it has no rerank.
  Ranking rerank(const RerankRequest& request, std::stop_token stop) override;
  /// Of media what the house has ways for; Error{kUnsupported} naming house and kind for the rest.
  CallPtr media(const MediaRequest& request, MediaWire wire, EventSink sink) override;
  MediaJob submit(const MediaRequest& request, std::stop_token stop) override;
  MediaJob look(const MediaJob& job, std::stop_token stop) override;
  bool cancel(const MediaJob& job, std::stop_token stop) override;
  std::string fetch(const MediaJob& job, const MediaWriter& write, std::stop_token stop) override;
  /// These three: Error{kUnsupported}, a house does not tell its tokens. Some tell how many there are: count().
  std::vector<int32_t> tokenize(const std::string& model, std::string_view text, bool add_special,
                                bool parse_special) override;
  std::string detokenize(const std::string& model, const std::vector<int32_t>& ids) override;
  std::pair<std::string, std::vector<int32_t>> prompt_of(const chat::ChatRequest& request) override;

  struct Prepared;  // of gateway/remote_media.h

 private:
  struct State;
  struct Start;
  static CallPtr begin(const std::shared_ptr<State>& state, Start start, EventSink sink);
  Prepared prepared(HouseCall call, std::optional<uint32_t> key) const;
  std::string exchange(HouseCall call, std::optional<uint32_t>& key, std::stop_token stop) const;
  std::string download(net::ClientRequest request, bool link, const MediaWriter& write, std::stop_token stop) const;
  Error named(const Error& error) const;
  net::Client& client() const noexcept;
  const RemoteOptions& options() const noexcept;
  const House& house() const noexcept;
  /// Where the account keeps personal data from the house and none could be put back.
  void refuse_personal_data(const chat::OrderedJson& words) const;
  std::shared_ptr<State> state_;
};

}  // namespace shenbi::gateway
