#include "gateway/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <ctime>
#include <optional>
#include <random>

#include "base/error.h"
#include "base/log.h"
#include "gateway/estimate.h"

namespace shenbi::gateway {
namespace {

using chat::Event;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kLocal = "local";

bool may_go_better_elsewhere(int status) { return status == 0 || status == 408 || status == 429 || status >= 500; }

bool begins_answer(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kQueued:
    case Event::Kind::kStart:
    case Event::Kind::kWarning:
    case Event::Kind::kError:
      return false;
    default:
      return true;
  }
}

bool told(const chat::Usage& usage) { return usage.prompt_tokens + usage.completion_tokens > 0; }

// Watches one try, for the ledger.
class Watch {
 public:
  Watch(Attempt attempt, std::function<uint64_t()> prompt_estimate, std::function<void(const Attempt&)> on_attempt)
      : attempt_(std::move(attempt)),
        prompt_estimate_(std::move(prompt_estimate)),
        on_attempt_(std::move(on_attempt)) {}

  void see(const Event& event) {
    if (event.tokens > 0) {
      if (attempt_.first_token_s < 0) attempt_.first_token_s = seconds();
      counted_ += event.tokens;
    }
    text_ += estimated_tokens(event.kind, event.text);
    if (event.kind == Event::Kind::kStart) start_usage_ = event.usage;
    if (event.kind == Event::Kind::kFinish) finish(event);
    if (event.kind == Event::Kind::kError) fail(event.status, event.text);
  }

  void fail(int status, const std::string& error) {
    attempt_.status = status;
    attempt_.error = error;
    if (told(start_usage_) || counted_ > 0) estimate();
    close(Attempt::Outcome::kFailed);
  }

 private:
  void finish(const Event& event) {
    attempt_.usage = event.usage;
    attempt_.raw_usage = event.text;
    const bool aborted = event.finish == chat::Finish::kCancelled;
    if (!told(event.usage) || aborted) estimate();
    close(aborted             ? Attempt::Outcome::kAborted
          : told(event.usage) ? Attempt::Outcome::kSettled
                              : Attempt::Outcome::kEstimated);
  }

  // A house that was cut off has worked all the same. What it said at the beginning counts; else the prompt is guessed
  // by its text, and of the answer what came through, a piece being one token at least.
  void estimate() {
    chat::Usage& usage = attempt_.usage;
    usage.prompt_tokens = std::max(usage.prompt_tokens, start_usage_.prompt_tokens);
    usage.cached_tokens = std::max(usage.cached_tokens, start_usage_.cached_tokens);
    usage.cache_write_tokens = std::max(usage.cache_write_tokens, start_usage_.cache_write_tokens);
    if (usage.prompt_tokens == 0) usage.prompt_tokens = prompt_estimate_();
    const bool local = attempt_.upstream == kLocal;  // which counts its tokens itself
    usage.completion_tokens =
        std::max({usage.completion_tokens, counted_, local ? 0 : static_cast<uint64_t>(std::ceil(text_))});
  }

  void close(Attempt::Outcome outcome) {
    attempt_.outcome = outcome;
    attempt_.total_s = seconds();
    if (on_attempt_) on_attempt_(attempt_);
  }

  double seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

  static double estimated_tokens(Event::Kind kind, std::string_view text) {
    const bool content = kind == Event::Kind::kText || kind == Event::Kind::kThinking ||
                         kind == Event::Kind::kToolArguments || kind == Event::Kind::kToolCall;
    return content ? gateway::estimated_tokens(text) : 0;
  }

  Attempt attempt_;
  std::function<uint64_t()> prompt_estimate_;
  std::function<void(const Attempt&)> on_attempt_;
  Clock::time_point begin_ = Clock::now();
  chat::Usage start_usage_;
  uint64_t counted_ = 0;
  double text_ = 0;  // tokens of the answer by its text
};

// Starts a try: (target, sink) -> its call. Throws what the provider throws.
using Start = std::function<CallPtr(const Router::Target&, EventSink)>;

// A request and its tries, one after the other.
class Routed final : public Call, public std::enable_shared_from_this<Routed> {
 public:
  Routed(std::vector<Router::Target> targets, Attempt blank, Need need, Start start, EventSink sink,
         const RouterOptions& options)
      : targets_(std::move(targets)),
        blank_(std::move(blank)),
        need_(std::move(need)),
        start_(std::move(start)),
        sink_(std::move(sink)),
        run_(options.run),
        admit_(options.admit),
        on_attempt_(options.on_attempt) {
    if (targets_.size() > options.max_attempts) targets_.resize(options.max_attempts);
    begun_ = targets_.size() == 1;  // nobody else to ask: nothing need be held back
  }

  // Tries one after the other until one has begun. Throws what the last of them threw.
  void start() {
    while (true) {
      try {
        return start_next();
      } catch (const Error& error) {
        const int status = code_info(error.code()).http_status;
        if (refused_ || !may_go_better_elsewhere(status) || !has_next()) throw;
        log_info("{}: {}; asking the next", blank_.wanted, error.what());
      }
    }
  }

  void cancel() override {
    CallPtr call;
    {
      std::lock_guard lock(mutex_);
      cancelled_ = true;
      call = call_;
    }
    if (call) call->cancel();
  }

 private:
  void start_next() {
    const uint32_t number = next_++;
    const Router::Target& target = targets_[number];
    Attempt attempt = blank_;
    attempt.upstream = target.upstream;
    attempt.model = target.model;
    attempt.number = number;
    attempt.started = static_cast<int64_t>(std::time(nullptr));
    refused_ = true;
    if (admit_) attempt.reservation = admit_(attempt, need_);
    refused_ = false;
    const auto watch = std::make_shared<Watch>(std::move(attempt), need_.prompt_tokens, on_attempt_);
    CallPtr call;
    try {
      call = start_(target, [self = shared_from_this(), watch, number](Event event) {
        watch->see(event);
        self->take(std::move(event), number);
      });
    } catch (const Error& error) {
      watch->fail(code_info(error.code()).http_status, error.what());
      throw;
    }
    bool cancelled = false;
    {
      std::lock_guard lock(mutex_);
      // It may have ended already, or failed and another been started.
      if (!ended_ && number + 1 == next_) call_ = call;
      cancelled = cancelled_;
    }
    if (cancelled) call->cancel();
  }

  void take(Event event, uint32_t number) {
    if (begun_) return pass_on(std::move(event));
    if (event.kind == Event::Kind::kError && may_go_better_elsewhere(event.status) && goes_on(number)) {
      log_info("{}: {}; asking the next", blank_.wanted, event.text);
      held_.clear();
      // Elsewhere, since this is the upstream's thread and a local model may have to be loaded.
      if (run_([self = shared_from_this()] { self->start_later(); })) return;
    }
    if (!begins_answer(event) && event.kind != Event::Kind::kError) {
      held_.push_back(std::move(event));
      return;
    }
    begun_ = true;
    for (Event& held : held_) pass_on(std::move(held));
    held_.clear();
    pass_on(std::move(event));
  }

  // The call holds this by its sink: behind the last event it is let go.
  void pass_on(Event event) {
    if (event.kind == Event::Kind::kFinish || event.kind == Event::Kind::kError) {
      std::lock_guard lock(mutex_);
      ended_ = true;
      call_.reset();
    }
    sink_(std::move(event));
  }

  // The next try has somebody to ask: an upstream whose keys all cool down would only say so.
  bool has_next() const {
    const uint32_t next = next_;
    return next < targets_.size() && (!targets_[next].remote || targets_[next].remote->ready());
  }

  bool goes_on(uint32_t number) {
    std::lock_guard lock(mutex_);
    return !cancelled_ && number + 1 == next_ && has_next();
  }

  void start_later() {
    try {
      start();
    } catch (const Error& error) {
      pass_on({.kind = Event::Kind::kError, .text = error.what(), .status = code_info(error.code()).http_status});
    }
  }

  std::vector<Router::Target> targets_;
  const Attempt blank_;
  const Need need_;
  const Start start_;
  const EventSink sink_;
  const std::function<bool(std::function<void()>)> run_;
  const std::function<uint64_t(const Attempt&, const Need&)> admit_;
  const std::function<void(const Attempt&)> on_attempt_;

  // Of the one try that is running, in the order of its events.
  std::vector<Event> held_;  // before the answer has begun
  bool begun_ = false;
  bool refused_ = false;  // by whoever admits, which is final

  std::mutex mutex_;
  std::atomic<uint32_t> next_{0};
  CallPtr call_;
  bool cancelled_ = false, ended_ = false;
};

}  // namespace

struct Router::State {
  std::shared_ptr<Provider> local;
  Upstreams& upstreams;
  RouterOptions options;
  net::Client client;  // before those who use it, so that it goes after them

  std::mutex mutex;
  uint64_t revision = 0;  // of `upstreams` that `remotes` was made of
  std::map<std::string, std::shared_ptr<Remote>, std::less<>> remotes;
  std::mt19937_64 random;

  State(std::shared_ptr<Provider> l, Upstreams& u, RouterOptions o)
      : local(std::move(l)),
        upstreams(u),
        options(std::move(o)),
        client(options.client),
        random(options.seed ? options.seed : static_cast<uint64_t>(Clock::now().time_since_epoch().count())) {}

  // Those configured now. One whose configuration stayed as it was keeps its health and its list.
  std::map<std::string, std::shared_ptr<Remote>, std::less<>> current() {
    std::lock_guard lock(mutex);
    if (revision == upstreams.revision()) return remotes;
    revision = upstreams.revision();
    std::map<std::string, std::shared_ptr<Remote>, std::less<>> fresh;
    for (const Upstream& upstream : upstreams.list()) {
      if (!upstream.enabled) continue;
      const auto old = remotes.find(upstream.name);
      const bool same = old != remotes.end() && old->second->upstream() == upstream;
      fresh[upstream.name] = same ? old->second : std::make_shared<Remote>(upstream, client, options.remote);
    }
    remotes = std::move(fresh);
    return remotes;
  }

  bool is_local(const std::string& model) {
    const auto all = local->models();
    return std::any_of(all.begin(), all.end(), [&](const ModelInfo& info) { return info.id == model; });
  }

  // By readiness, then priority, then by lot in proportion to weight (the largest of u^(1/w): Efraimidis and Spirakis).
  void order(std::vector<std::shared_ptr<Remote>>& remotes_of_model) {
    struct Ranked {
      std::shared_ptr<Remote> remote;
      bool ready;
      double lot;
    };
    std::vector<Ranked> ranked;
    {
      std::lock_guard lock(mutex);
      for (auto& remote : remotes_of_model) {
        const double u = std::uniform_real_distribution<double>(1e-12, 1)(random);
        ranked.push_back({remote, remote->ready(), std::log(u) / remote->upstream().weight});
      }
    }
    std::sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
      if (a.ready != b.ready) return a.ready;
      if (a.remote->upstream().priority != b.remote->upstream().priority)
        return a.remote->upstream().priority < b.remote->upstream().priority;
      return a.lot > b.lot;
    });
    for (size_t i = 0; i < ranked.size(); ++i) remotes_of_model[i] = ranked[i].remote;
  }
};

Router::Router(std::shared_ptr<Provider> local, Upstreams& upstreams, RouterOptions options)
    : state_(std::make_unique<State>(std::move(local), upstreams, std::move(options))) {}

Router::~Router() = default;

std::vector<Router::Target> Router::targets(const std::string& model) {
  const auto remotes = state_->current();
  if (const size_t slash = model.find('/'); slash != std::string::npos) {
    const auto found = remotes.find(model.substr(0, slash));
    if (found != remotes.end()) {
      const Target target{found->second, found->second, found->first, model.substr(slash + 1)};
      return std::vector<Target>(std::max<size_t>(found->second->upstream().keys.size(), 1), target);  // a try a key
    }
  }
  std::vector<std::shared_ptr<Remote>> offering;
  for (const auto& [name, remote] : remotes) {
    if (remote->offers(model)) offering.push_back(remote);
  }
  if (offering.empty() || state_->is_local(model)) return {{state_->local, nullptr, std::string(kLocal), model}};
  state_->order(offering);
  std::vector<Target> all;
  for (auto& remote : offering) all.push_back({remote, remote, remote->upstream().name, model});
  return all;
}

std::vector<ModelInfo> Router::models() {
  std::vector<ModelInfo> all = state_->local->models();
  for (const auto& [name, remote] : state_->current()) {
    for (ModelInfo& info : remote->models()) {
      info.id = name + "/" + info.id;
      all.push_back(std::move(info));
    }
  }
  return all;
}

void Router::prepare(const std::string& model) {
  const Target first = targets(model).front();
  first.provider->prepare(first.model);
}

namespace {

// Puts a request to its targets in turn by `method` of their providers.
template <class Request>
CallPtr route(std::vector<Router::Target> found, Request request, CallPtr (Provider::*method)(Request, EventSink),
              EventSink sink, const RouterOptions& options) {
  Attempt blank{.wanted = request.model, .tenant = request.tenant, .request_id = options.request_id()};
  const auto asked = std::make_shared<const Request>(std::move(request));
  Need need{.prompt_tokens = [asked] { return estimated_prompt(*asked); }, .max_tokens = asked->max_tokens};
  auto routed = std::make_shared<Routed>(
      std::move(found), std::move(blank), std::move(need),
      [asked, method](const Router::Target& target, EventSink to) {
        Request copy = *asked;
        copy.model = target.model;
        return (target.provider.get()->*method)(std::move(copy), std::move(to));
      },
      std::move(sink), options);
  routed->start();
  return routed;
}

}  // namespace

CallPtr Router::chat(chat::ChatRequest request, EventSink sink) {
  auto found = targets(request.model);
  return route(std::move(found), std::move(request), &Provider::chat, std::move(sink), state_->options);
}

CallPtr Router::complete(chat::CompletionRequest request, EventSink sink) {
  auto found = targets(request.model);
  return route(std::move(found), std::move(request), &Provider::complete, std::move(sink), state_->options);
}

namespace {

// One try, filed however it ends.
Embeddings embed_at(const Router::Target& target, EmbedRequest request, Attempt attempt, const RouterOptions& options,
                    const std::stop_token& stop) {
  const Clock::time_point begin = Clock::now();
  const auto close = [&](Attempt::Outcome outcome) {
    attempt.outcome = outcome;
    attempt.total_s = std::chrono::duration<double>(Clock::now() - begin).count();
    if (options.on_attempt) options.on_attempt(attempt);
  };
  request.model = target.model;
  try {
    Embeddings made = target.provider->embed(request, stop);
    made.upstream = target.upstream;
    made.model = target.model;
    const bool told = made.tokens > 0;
    attempt.usage.prompt_tokens = told ? made.tokens : estimated_prompt(request.inputs);
    close(told ? Attempt::Outcome::kSettled : Attempt::Outcome::kEstimated);
    return made;
  } catch (const std::exception& error) {
    const auto* ours = dynamic_cast<const Error*>(&error);
    const Code code = ours ? ours->code() : Code::kInternal;
    attempt.status = code_info(code).http_status;
    attempt.error = error.what();
    const bool aborted = code == Code::kCancelled;  // the texts were on their way
    if (aborted) attempt.usage.prompt_tokens = estimated_prompt(request.inputs);
    close(aborted ? Attempt::Outcome::kAborted : Attempt::Outcome::kFailed);
    throw;
  }
}

}  // namespace

Embeddings Router::embed(const EmbedRequest& request, std::stop_token stop) {
  const auto all = targets(request.model);
  const RouterOptions& options = state_->options;
  const Need need{.prompt_tokens = [&] { return estimated_prompt(request.inputs); }, .max_tokens = 0};
  Attempt blank{.wanted = request.model, .tenant = request.tenant, .request_id = options.request_id()};
  for (size_t i = 0;; ++i) {
    Attempt attempt = blank;
    attempt.upstream = all[i].upstream;
    attempt.model = all[i].model;
    attempt.number = static_cast<uint32_t>(i);
    attempt.started = static_cast<int64_t>(std::time(nullptr));
    if (options.admit) attempt.reservation = options.admit(attempt, need);
    try {
      return embed_at(all[i], request, std::move(attempt), options, stop);
    } catch (const Error& error) {
      const bool last = i + 1 >= all.size() || i + 1 >= options.max_attempts;
      if (last || !may_go_better_elsewhere(code_info(error.code()).http_status)) throw;
      log_info("{}: {}; asking the next", request.model, error.what());
    }
  }
}

std::vector<int32_t> Router::tokenize(const std::string& model, std::string_view text, bool add_special,
                                      bool parse_special) {
  const Target target = targets(model).front();
  return target.provider->tokenize(target.model, text, add_special, parse_special);
}

std::string Router::detokenize(const std::string& model, const std::vector<int32_t>& ids) {
  const Target target = targets(model).front();
  return target.provider->detokenize(target.model, ids);
}

void Router::end_all(const Error& why) {
  state_->local->end_all(why);
  state_->client.end_all(why);
}

std::pair<std::string, std::vector<int32_t>> Router::prompt_of(const chat::ChatRequest& request) {
  const Target target = targets(request.model).front();
  chat::ChatRequest copy = request;
  copy.model = target.model;
  return target.provider->prompt_of(copy);
}

}  // namespace shenbi::gateway
