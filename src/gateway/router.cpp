#include "gateway/router.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <optional>
#include <random>

#include "base/error.h"
#include "base/log.h"
#include "gateway/estimate.h"
#include "gateway/first_tokens.h"
#include "gateway/route_rule.h"
#include "gateway/routed.h"
#include "gateway/signatures.h"

namespace shenbi::gateway {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

struct Router::State {
  std::shared_ptr<Provider> local;
  Upstreams& upstreams;
  RouterOptions options;

  // Before the client, which ends its calls when it goes: these still hear of their ends.
  FirstTokens first_tokens;
  std::mt19937_64 random;
  std::mutex mutex;
  Alarms alarms;

  net::Client client;     // before those who use it, so that it goes after them
  uint64_t revision = 0;  // of `upstreams` that `remotes` was made of
  std::map<std::string, std::shared_ptr<Remote>, std::less<>> remotes;

  State(std::shared_ptr<Provider> l, Upstreams& u, RouterOptions o)
      : local(std::move(l)),
        upstreams(u),
        options(std::move(o)),
        random(options.seed ? options.seed : static_cast<uint64_t>(Clock::now().time_since_epoch().count())),
        client(options.client) {
    options.on_attempt = [this, file = std::move(options.on_attempt)](const Attempt& attempt) {
      if (attempt.first_token_s >= 0) first_tokens.note(attempt.upstream, attempt.model, attempt.first_token_s);
      if (file) file(attempt);
    };
    options.remote.alarms = &alarms;
  }
  ~State() { alarms.stop(); }  // nothing that rings finds the client gone; the client's last ends may still set one

  std::chrono::milliseconds hedge_after(const std::string& model) const {
    const auto route = options.routes ? options.routes->find(model) : std::nullopt;
    return std::chrono::milliseconds(route ? route->hedge_ms : 0);
  }

  catalog::Model describe(const Upstream* upstream, const ModelInfo& info) const {
    if (options.describe) return options.describe(upstream, info);
    return {.id = (upstream ? upstream->name : std::string(kLocal)) + "/" + info.id, .name = info.id};
  }

  // As many times in front as the others.
  void turn(std::vector<Router::Target>& targets) {
    if (targets.empty()) return;
    std::lock_guard lock(mutex);
    const auto first = std::uniform_int_distribution<size_t>(0, targets.size() - 1)(random);
    std::rotate(targets.begin(), targets.begin() + static_cast<ptrdiff_t>(first), targets.end());
  }

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

const RouterOptions& Router::options() const noexcept { return state_->options; }

std::shared_ptr<Remote> Router::remote(const std::string& upstream) {
  const auto remotes = state_->current();
  const auto found = remotes.find(upstream);
  return found == remotes.end() ? nullptr : found->second;
}

std::vector<Router::Target> Router::targets(const std::string& model, std::string_view output) {
  if (const auto route = state_->options.routes ? state_->options.routes->find(model) : std::nullopt)
    return of_route(*route, output);
  return is_rule(model) ? of_rule(model, model, output) : of_name(model, "");
}

bool Router::leads_further(const std::string& model) {
  if (is_rule(model) || (state_->options.routes && state_->options.routes->find(model))) return true;
  return of_name(model, "").front().remote != nullptr;
}

std::vector<Router::Target> Router::of_name(const std::string& model, const std::string& why) {
  const auto because = [&](std::string_view reason) { return why.empty() ? std::string(reason) : why; };
  const auto remotes = state_->current();
  if (const size_t slash = model.find('/'); slash != std::string::npos) {
    const auto found = remotes.find(model.substr(0, slash));
    if (found != remotes.end()) {
      const Target target{found->second, found->second, found->first, model.substr(slash + 1), because("named")};
      return std::vector<Target>(std::max<size_t>(found->second->upstream().keys.size(), 1), target);  // a try a key
    }
  }
  std::vector<std::shared_ptr<Remote>> offering;
  for (const auto& [name, remote] : remotes) {
    if (remote->offers(model)) offering.push_back(remote);
  }
  if (offering.empty() || state_->is_local(model))
    return {{state_->local, nullptr, std::string(kLocal), model, because("local")}};
  state_->order(offering);
  std::vector<Target> all;
  const std::string reason = because(fmt::format("one of {} that offer it", offering.size()));
  for (auto& remote : offering) all.push_back({remote, remote, remote->upstream().name, model, reason});
  return all;
}

namespace {

// Who has no key that may be used now is asked last.
void ready_first(std::vector<Router::Target>& targets) {
  std::stable_partition(targets.begin(), targets.end(),
                        [](const Router::Target& target) { return !target.remote || target.remote->ready(); });
}

// What nobody knows of is taken to talk.
bool makes(const catalog::Model& model, std::string_view output) {
  if (model.output.empty()) return output == "text";
  return std::find(model.output.begin(), model.output.end(), output) != model.output.end();
}

}  // namespace

std::vector<Router::Target> Router::of_rule(const std::string& rule, const std::string& why, std::string_view output) {
  std::vector<Target> targets;
  std::vector<Candidate> candidates;
  const auto add = [&](Target target, const Upstream* upstream, const ModelInfo& info) {
    Candidate candidate{.model = state_->describe(upstream, info),
                        .first_token_s = state_->first_tokens.of(target.upstream, target.model),
                        .place = targets.size()};
    if (!makes(candidate.model, output)) return;
    candidates.push_back(std::move(candidate));
    targets.push_back(std::move(target));
  };
  for (const ModelInfo& info : state_->local->models()) {
    if (info.chat && info.alias_of.empty())
      add({state_->local, nullptr, std::string(kLocal), info.id, ""}, nullptr, info);
  }
  for (const auto& [name, remote] : state_->current()) {
    for (const ModelInfo& info : remote->models()) add({remote, remote, name, info.id, ""}, &remote->upstream(), info);
  }
  const size_t all = candidates.size();
  std::vector<Target> found;
  const auto best = chosen(read_rule(rule), std::move(candidates));
  for (const Candidate& candidate : best) found.push_back(std::move(targets[candidate.place]));
  const std::string reason = fmt::format("{}: first of {} among {}", why, found.size(), all);
  for (Target& target : found) target.why = reason;
  ready_first(found);
  return found;
}

std::vector<Router::Target> Router::of_route(const NamedRoute& route, std::string_view output) {
  std::vector<Target> all;
  for (const std::string& name : route.targets) {
    const std::string why = route.targets.size() == 1 ? "alias " + route.name : "group " + route.name;
    auto found = is_rule(name) ? of_rule(name, why, output) : of_name(name, why);
    std::move(found.begin(), found.end(), std::back_inserter(all));
  }
  // A model that is not here is passed over as long as another one is.
  const auto is_here = [&](const Target& target) { return target.remote || state_->is_local(target.model); };
  if (std::any_of(all.begin(), all.end(), is_here)) std::erase_if(all, [&](const Target& t) { return !is_here(t); });
  if (route.order == "turns") state_->turn(all);
  if (route.order == "fast" || route.order == "cheapest") {
    std::vector<Candidate> candidates;
    for (const Target& target : all) {
      const ModelInfo info{.id = target.model};
      candidates.push_back({.model = state_->describe(target.remote ? &target.remote->upstream() : nullptr, info),
                            .first_token_s = state_->first_tokens.of(target.upstream, target.model),
                            .place = candidates.size()});
    }
    RouteRule rule;
    rule.orders = {route.order == "fast" ? RouteOrder::kFast : RouteOrder::kCheapest};
    std::vector<Target> sorted;
    for (const Candidate& candidate : chosen(rule, std::move(candidates))) sorted.push_back(all[candidate.place]);
    all = std::move(sorted);
  }
  ready_first(all);
  return all;
}

RoutedCall Router::routed(const std::string& model, std::string_view output) {
  return {.targets = targets(model, output), .hedge_after = state_->hedge_after(model), .alarms = &state_->alarms};
}

std::vector<ModelInfo> Router::models() {
  std::vector<ModelInfo> all = state_->local->models();
  if (state_->options.routes) {
    for (const NamedRoute& route : state_->options.routes->list()) {
      std::erase_if(all, [&](const ModelInfo& info) { return info.id == route.name; });  // it is hidden
      all.push_back(
          {.id = route.name, .owner = "route", .alias_of = fmt::format("{}", fmt::join(route.targets, ", "))});
    }
  }
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

bool Router::is_ready(const std::string& model) {
  if (is_rule(model) || (state_->options.routes && state_->options.routes->find(model))) return false;
  const auto remotes = state_->current();
  const bool elsewhere = std::any_of(remotes.begin(), remotes.end(), [&](const auto& remote) {
    return model.starts_with(remote.first + '/') || remote.second->offers(model);
  });
  return !elsewhere && state_->local->is_ready(model);
}

namespace {

// Puts a request to its targets in turn by `method` of their providers.
template <class Request>
CallPtr route(RoutedCall call, Request request, CallPtr (Provider::*method)(Request, EventSink), EventSink sink,
              const RouterOptions& options) {
  call.blank = {.wanted = request.model, .tenant = request.tenant, .request_id = options.request_id()};
  const auto asked = std::make_shared<const Request>(std::move(request));
  call.need = {.prompt_tokens = [asked] { return estimated_prompt(*asked); }, .max_tokens = asked->max_tokens};
  call.start = [asked, method](const Router::Target& target, const std::function<bool()>&, EventSink to) {
    Request copy = *asked;
    copy.model = target.model;
    return (target.provider.get()->*method)(std::move(copy), std::move(to));
  };
  return start_routed(std::move(call), std::move(sink), options);
}

}  // namespace

CallPtr Router::chat(chat::ChatRequest request, EventSink sink) {
  RoutedCall call = routed(request.model);
  return route(std::move(call), std::move(request), &Provider::chat, std::move(sink), state_->options);
}

CallPtr Router::complete(chat::CompletionRequest request, EventSink sink) {
  RoutedCall call = routed(request.model);
  return route(std::move(call), std::move(request), &Provider::complete, std::move(sink), state_->options);
}

bool Router::passes_at_once(const std::string& model, Dialect dialect) {
  if (is_rule(model) || (state_->options.routes && state_->options.routes->find(model))) return false;
  const auto remote = this->remote(model.substr(0, model.find('/')));
  return remote && model.find('/') != std::string::npos &&
         remote->passes_at_once(model.substr(model.find('/') + 1), dialect);
}

bool Router::passes_any() { return !state_->current().empty(); }

bool Router::passes(const std::string& model, Dialect dialect) {
  const auto all = targets(model);
  return std::any_of(all.begin(), all.end(), [&](const Target& target) {
    return target.remote && target.remote->passes(target.model, dialect);
  });
}

namespace {

// A body that cannot be passed on because somebody else's signed thinking is in it. What our words cannot hold is not
// looked into.
bool holds_foreign_thinking(const Passage& passage, const std::string& maker, const SignatureBook& book) {
  if (!passage.peek.signatures) return false;
  if (has_mark(*passage.body)) return true;
  try {
    return book.any_foreign(passage.translated(), maker);
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

// Each target gets the request as it is if it speaks the dialect, else in our words.
CallPtr Router::pass(Passage passage, WireSink wire, EventSink sink) {
  RoutedCall call = routed(passage.model);
  call.blank = {.wanted = passage.model, .tenant = passage.tenant, .request_id = state_->options.request_id()};
  const auto asked = std::make_shared<const Passage>(std::move(passage));
  call.need = {.prompt_tokens = [asked] { return estimated_prompt(*asked); },
               .max_tokens = asked->peek.max_tokens,
               .answers = asked->peek.answers};
  call.start = [asked, wire = std::move(wire), book = state_->options.remote.book](
                   const Target& target, std::function<bool()> speak, EventSink to) -> CallPtr {
    const bool speaks = target.remote && target.remote->passes(target.model, asked->dialect);
    const std::string maker = target.remote ? maker_of(target.remote->upstream(), target.model) : "";
    if (speaks && !holds_foreign_thinking(*asked, maker, *book)) {
      Passage copy = *asked;
      copy.model = target.model;
      const auto own = [wire, speak = std::move(speak)](std::string_view bytes, bool last) {
        if (speak()) wire(bytes, last);
      };
      return target.remote->pass(std::move(copy), own, std::move(to));
    }
    chat::ChatRequest copy = asked->translated();
    copy.model = target.model;
    if (speaks) claim_signatures(copy, maker, *book);
    return target.provider->chat(std::move(copy), std::move(to));
  };
  return start_routed(std::move(call), std::move(sink), state_->options);
}

// As far as those who are asked in turn for the model count.
std::optional<std::string> Router::count(Passage passage, std::stop_token stop) {
  const auto all = targets(passage.model);
  const auto first_other = std::find_if_not(all.begin(), all.end(), [&](const Target& target) {
    return target.remote && target.remote->counts(passage.dialect);
  });
  const size_t tries = std::min<size_t>(static_cast<size_t>(first_other - all.begin()), state_->options.max_attempts);
  if (tries == 0) return std::nullopt;
  for (size_t i = 0;; ++i) {
    const Target& target = all[i];
    if (holds_foreign_thinking(passage, maker_of(target.remote->upstream(), target.model),
                               *state_->options.remote.book))
      throw Error(Code::kUnsupported,
                  fmt::format("{}: the prompt holds thinking that another maker has signed, which it would not get",
                              target.upstream));
    Passage copy = passage;
    copy.model = target.model;
    try {
      return target.remote->count(std::move(copy), stop);
    } catch (const Error& error) {
      if (i + 1 >= tries || !may_go_better_elsewhere(code_info(error.code()).http_status)) throw;
      log_info("{}: {}; asking the next", passage.model, error.what());
    }
  }
}

namespace {

// One try, filed however it ends.
template <class Request, class Answer>
Answer ask_at(const Router::Target& target, Request request,
              Answer (Provider::*method)(const Request&, std::stop_token), Attempt attempt,
              const RouterOptions& options, const std::stop_token& stop) {
  const Clock::time_point begin = Clock::now();
  const auto close = [&](Attempt::Outcome outcome) {
    attempt.outcome = outcome;
    attempt.total_s = std::chrono::duration<double>(Clock::now() - begin).count();
    if (options.on_attempt) options.on_attempt(attempt);
  };
  request.model = target.model;
  try {
    Answer made = (target.provider.get()->*method)(request, stop);
    made.upstream = target.upstream;
    made.model = target.model;
    const bool told = made.tokens > 0;
    attempt.usage.prompt_tokens = told ? made.tokens : estimated_prompt(request);
    if constexpr (requires { made.raw_usage; }) attempt.raw_usage = made.raw_usage;
    close(told ? Attempt::Outcome::kSettled : Attempt::Outcome::kEstimated);
    return made;
  } catch (const std::exception& error) {
    const auto* ours = dynamic_cast<const Error*>(&error);
    const Code code = ours ? ours->code() : Code::kInternal;
    attempt.status = code_info(code).http_status;
    attempt.error = error.what();
    const bool aborted = code == Code::kCancelled;  // the texts were on their way
    if (aborted) attempt.usage.prompt_tokens = estimated_prompt(request);
    close(aborted ? Attempt::Outcome::kAborted : Attempt::Outcome::kFailed);
    throw;
  }
}

// Puts a question whose answer is waited for to its targets in turn.
template <class Request, class Answer>
Answer ask(const std::vector<Router::Target>& all, const Request& request,
           Answer (Provider::*method)(const Request&, std::stop_token), const RouterOptions& options,
           const std::stop_token& stop) {
  const Need need{.prompt_tokens = [&] { return estimated_prompt(request); }, .max_tokens = 0};
  Attempt blank{.wanted = request.model, .tenant = request.tenant, .request_id = options.request_id()};
  for (size_t i = 0;; ++i) {
    Attempt attempt = blank;
    attempt.upstream = all[i].upstream;
    attempt.model = all[i].model;
    attempt.number = static_cast<uint32_t>(i);
    attempt.started = static_cast<int64_t>(std::time(nullptr));
    if (options.admit) attempt.reservation = options.admit(attempt, need);
    try {
      return ask_at(all[i], request, method, std::move(attempt), options, stop);
    } catch (const Error& error) {
      const bool last = i + 1 >= all.size() || i + 1 >= options.max_attempts;
      if (last || !may_go_better_elsewhere(code_info(error.code()).http_status)) throw;
      log_info("{}: {}; asking the next", request.model, error.what());
    }
  }
}

}  // namespace

Embeddings Router::embed(const EmbedRequest& request, std::stop_token stop) {
  return ask(targets(request.model), request, &Provider::embed, state_->options, stop);
}

Ranking Router::rerank(const RerankRequest& request, std::stop_token stop) {
  Ranking ranking = ask(targets(request.model, "ranking"), request, &Provider::rerank, state_->options, stop);
  if (ranking.tokens == 0) ranking.tokens = estimated_prompt(request);
  return ranking;
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
  state_->alarms.ring_all();  // who waits for his time finds that it is over
}

std::pair<std::string, std::vector<int32_t>> Router::prompt_of(const chat::ChatRequest& request) {
  const Target target = targets(request.model).front();
  chat::ChatRequest copy = request;
  copy.model = target.model;
  return target.provider->prompt_of(copy);
}

}  // namespace shenbi::gateway
