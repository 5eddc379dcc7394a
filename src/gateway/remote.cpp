#include "gateway/remote.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <set>

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/reason.h"
#include "base/retry_later.h"
#include "chat/fields.h"
#include "chat/upstream_error.h"
#include "gateway/clock_skew.h"
#include "gateway/guarded.h"
#include "gateway/key_pool.h"
#include "gateway/remote_call.h"
#include "gateway/remote_media.h"
#include "gateway/signatures.h"
#include "gateway/tokens.h"

namespace shenbi::gateway {
namespace {

using chat::Event;
using Clock = std::chrono::steady_clock;

constexpr auto kListIsFresh = std::chrono::minutes(10);  // houses add models by the week
constexpr auto kListRetry = std::chrono::minutes(1);
constexpr size_t kMaxListBytes = 64u << 20;  // the largest known has some 100 KB
constexpr size_t kMaxListedModels = 20'000;  // the largest house lists under a thousand

}  // namespace

struct Remote::State : std::enable_shared_from_this<State> {
  Upstream upstream;
  House house;
  chat::Asking asking;
  net::Client& client;
  RemoteOptions options;
  KeyPool keys;
  std::shared_ptr<Tokens> tokens;               // null: keys prove themselves
  std::shared_ptr<const guard::Finder> finder;  // of personal data; null: it is sent like everything

  std::mutex mutex;
  std::set<std::string, std::less<>> listed;  // what the house said it has
  Clock::time_point list_again{};
  bool listing = false;

  State(Upstream u, net::Client& c, RemoteOptions o)
      : upstream(std::move(u)),
        house(find_house(upstream.house)),
        asking(asking_of(house, upstream.settings)),
        client(c),
        options(std::move(o)),
        keys(upstream.keys.size(), options.now) {
    house.base_url = base_url_of(house, upstream.base_url);
    listed.insert(house.models.begin(), house.models.end());
    if (treatment() != "send")
      finder = std::make_shared<const guard::Finder>(
          guard::PrivateWords{.words = upstream.private_words, .patterns = upstream.private_patterns});
    if (house.token_door) tokens = std::make_shared<Tokens>(*house.token_door, client, options.seconds_since_1970);
  }

  const std::string& treatment() const {
    return upstream.personal_data.empty() ? options.personal_data : upstream.personal_data;
  }

  // What `hide` of gateway/guarded.h has done to a request; nothing where nothing was found.
  template <class Hide>
  std::optional<Guarded> guarded(Hide&& hide) const {
    if (!finder) return std::nullopt;
    Guarded guarded(finder, treatment() == "block", upstream.name);
    hide(guarded);
    if (guarded.empty()) return std::nullopt;
    if (options.on_masked) options.on_masked(upstream, guarded.vault());
    return guarded;
  }

  Account account(size_t key) const {
    return {.key = upstream.keys.empty() ? "" : secret_of(upstream.keys[key]), .settings = upstream.settings};
  }

  // The account's key is one that must be traded for a token first.
  bool trades(const Account& account) const {
    return tokens && (!house.token_door->trades || house.token_door->trades(account));
  }

  // The account with its token for a key, then `ready`; at once for those who trade nothing.
  void with_proof(size_t key, const std::string& model,
                  std::function<void(const Account&, const Tokens::Given&)> ready) {
    Account proved = account(key);
    if (!trades(proved)) return ready(proved, {});
    const auto request = [this, proved, model] {
      net::ClientRequest asked = house.token_door->request(house.base_url, proved, model, options.seconds_since_1970());
      asked.public_only = !upstream.private_network;
      return asked;
    };
    tokens->with(token_name(key, model), request,
                 [self = shared_from_this(), proved, ready = std::move(ready)](const Tokens::Given& given) mutable {
                   if (given.token) proved.key = *given.token;
                   ready(proved, given);
                 });
  }

  std::string token_name(size_t key, const std::string& model) const {
    return house.token_door->per_model ? fmt::format("{} {}", key, model) : std::to_string(key);
  }

  // A key that gets no token rests; whose request it was that could not be made, the key is in order.
  void no_token(size_t key, const Error& error) {
    if (error.code() == Code::kInvalidArgument || error.code() == Code::kCancelled) return;
    keys.failed(key, error.code() == Code::kUnauthorized ? 401 : 0, std::nullopt);
  }

  size_t take_key() {
    if (const auto key = keys.take()) return *key;
    const auto wait = keys.wait();
    throw RetryLater(keys.why() == 429 ? Code::kRateLimited : Code::kUnavailable,
                     fmt::format("{}: every key is cooling down, the first for {} s more", upstream.name, wait.count()),
                     wait);
  }

  static std::chrono::milliseconds configured(int64_t seconds, std::chrono::milliseconds otherwise) {
    return seconds > 0 ? std::chrono::seconds(seconds) : otherwise;
  }
  std::chrono::milliseconds first_timeout() const {
    return configured(upstream.first_timeout_s, options.first_timeout);
  }
  std::chrono::milliseconds whole_timeout() const {
    return configured(upstream.whole_timeout_s, options.whole_timeout);
  }

  // Below the base URL; a path that begins with two slashes, below its host: some houses keep a dialect of their own
  // there.
  std::string address_of(const std::string& path) const {
    if (!path.starts_with("//")) return house.base_url + path;
    const size_t host = house.base_url.find("://");
    return house.base_url.substr(0, house.base_url.find('/', host + 3)) + path.substr(1);
  }

  net::ClientRequest request(std::string method, const std::string& path, std::string body, const Account& account,
                             Secrets* secrets = nullptr, net::Headers more = {}) const {
    net::ClientRequest request{.method = std::move(method),
                               .url = address_of(path),
                               .headers = house.headers,
                               .body = std::move(body),
                               .head_timeout = whole_timeout(),
                               .idle_timeout = configured(upstream.idle_timeout_s, options.idle_timeout),
                               .public_only = !upstream.private_network};
    const bool socket = house.base_url.starts_with("ws");
    if (!request.body.empty() && more.empty() && !socket)
      request.headers.emplace_back("Content-Type", "application/json");
    std::move(more.begin(), more.end(), std::back_inserter(request.headers));
    const size_t plain = request.headers.size(), address = request.url.size();
    house.authorise(request, account, options.seconds_since_1970());
    if (secrets) {
      net::Headers proof(request.headers.begin() + static_cast<ptrdiff_t>(plain), request.headers.end());
      // What the proof put into the address is one as well.
      for (size_t at = address; (at = request.url.find('=', at)) != std::string::npos;) {
        const size_t end = std::min(request.url.find('&', at), request.url.size());
        proof.emplace_back("", request.url.substr(at + 1, end - at - 1));
        at = end;
      }
      *secrets = Secrets(account.key, proof);
    }
    return request;
  }

  // with_proof(), waited for.
  Account proved(size_t key, const std::string& model) {
    auto promise = std::make_shared<std::promise<Account>>();
    auto done = promise->get_future();
    with_proof(key, model, [promise](const Account& account, const Tokens::Given& given) {
      if (given.error) return promise->set_exception(std::make_exception_ptr(Error(*given.error)));
      promise->set_value(account);
    });
    try {
      return done.get();
    } catch (const Error& error) {
      no_token(key, error);
      throw Error(error.code() == Code::kUnauthorized ? Code::kUpstream : error.code(),
                  fmt::format("{}: {}", upstream.name, error.what()));
    }
  }

  // A whole exchange, waited for.
  std::string fetch(std::string method, const std::string& path, std::string body, const std::string& model,
                    std::stop_token stop, const net::Headers& callers = {}, size_t most_bytes = kMaxListBytes) {
    const size_t key = take_key();
    const Account account = proved(key, model);
    struct Answer {
      int status = 0;
      net::Headers headers;
      std::string body;
      std::promise<void> done;
    };
    const auto answer = std::make_shared<Answer>();
    Secrets secrets;
    net::ClientRequest asked = request(std::move(method), path, std::move(body), account, &secrets);
    asked.max_bytes = most_bytes;
    put(callers, asked);
    auto done = answer->done.get_future();
    const auto call =
        client.start(std::move(asked), {.on_head =
                                            [answer](int status, const net::Headers& headers) {
                                              answer->status = status;
                                              answer->headers = headers;
                                            },
                                        .on_body = [answer](std::string_view bytes) { answer->body += bytes; },
                                        .on_end =
                                            [answer](const Error* error) {
                                              if (error)
                                                return answer->done.set_exception(std::make_exception_ptr(*error));
                                              answer->done.set_value();
                                            }});
    const std::stop_callback on_stop(std::move(stop), [&call] { call->cancel(); });
    try {
      done.get();
    } catch (const Error& error) {
      if (error.code() != Code::kCancelled) keys.failed(key, 0, std::nullopt);
      throw;
    }
    if (answer->status == 200) {
      keys.succeeded(key);
      return secrets.hidden(std::move(answer->body));
    }
    const auto wait = retry_after(answer->headers);
    keys.failed(key, answer->status, wait);
    const chat::UpstreamError error = asking.error(answer->status, answer->body);
    const bool refused = house.signs && (answer->status == 401 || answer->status == 403);
    const std::string why =
        secrets.hidden(fmt::format("{}: {} (status {}){}", upstream.name, error.message, answer->status,
                                   refused ? skew_words(answer->headers, options.seconds_since_1970()) : ""));
    if (wait && answer->status == 429) throw RetryLater(Code::kRateLimited, why, *wait);
    const Reason reason = chat::read_error_facts(answer->status, answer->body).reason;
    throw ReasonedError(net_code(answer->status), reason, why);
  }

  // What the caller said beside the body stands for what the house is told otherwise.
  static void put(const net::Headers& callers, net::ClientRequest& request) {
    for (const auto& [name, value] : callers) {
      std::erase_if(request.headers, [&](const auto& header) { return header.first == name; });
      request.headers.emplace_back(name, value);
    }
  }

  static Code net_code(int status) {
    if (status == 429) return Code::kRateLimited;
    if (status == 404) return Code::kNotFound;
    if (status == 400 || status == 413 || status == 422) return Code::kInvalidArgument;
    return Code::kUpstream;
  }

  // Starts a fetch of the house's list if it is time; the answer is for the next who asks.
  void refresh_list() {
    if (house.models_path.empty() || !upstream.models.empty()) return;
    Account own;
    try {
      own = account(0);
    } catch (const Error& error) {  // its variable is not set
      return take_list(0, {}, &error);
    }
    if (trades(own)) return;  // a token is of one model, or the house has no list
    {
      std::lock_guard lock(mutex);
      if (listing || options.now() < list_again) return;
      listing = true;
    }
    const auto body = std::make_shared<std::string>();
    const auto status = std::make_shared<int>(0);
    try {
      client.start(request("GET", house.models_path, "", own),
                   {.on_head = [status](int s, const net::Headers&) { *status = s; },
                    .on_body =
                        [body](std::string_view bytes) {
                          if (body->size() + bytes.size() <= kMaxListBytes) *body += bytes;
                        },
                    .on_end = [self = shared_from_this(), body,
                               status](const Error* error) { self->take_list(*status, *body, error); }});
    } catch (const Error& error) {
      take_list(0, {}, &error);
    }
  }

  void take_list(int status, const std::string& body, const Error* error) {
    std::set<std::string, std::less<>> found;
    const auto json = nlohmann::json::parse(body, nullptr, false);
    const auto read = [&](const char* list, const char* field) {
      if (!json.is_object() || !json.contains(list) || !json[list].is_array()) return;
      for (const auto& model : json[list]) {
        if (!model.is_object() || !model.contains(field) || !model[field].is_string()) continue;
        std::string id = model[field];
        if (id.starts_with("models/")) id.erase(0, 7);  // Gemini's form
        if (!id.empty() && found.size() < kMaxListedModels) found.insert(std::move(id));
      }
    };
    if (!error && status == 200) {
      read("data", "id");
      if (found.empty()) read("models", "name");
    }
    if (found.empty()) {
      log_warn("upstream {}: its list of models could not be had: {}", upstream.name,
               error ? error->what() : fmt::format("status {}", status));
    }
    std::lock_guard lock(mutex);
    listing = false;
    list_again = options.now() + (found.empty() ? kListRetry : kListIsFresh);
    if (!found.empty()) listed = std::move(found);
  }
};

Remote::Remote(Upstream upstream, net::Client& client, RemoteOptions options)
    : state_(std::make_shared<State>(std::move(upstream), client, std::move(options))) {}

Remote::~Remote() = default;

const Upstream& Remote::upstream() const noexcept { return state_->upstream; }

bool Remote::ready() const { return state_->keys.ready(); }

std::chrono::seconds Remote::wait() const { return state_->keys.wait(); }

bool Remote::offers(std::string_view model) const {
  const auto& configured = state_->upstream.models;
  if (!configured.empty()) return std::find(configured.begin(), configured.end(), model) != configured.end();
  std::lock_guard lock(state_->mutex);
  return state_->listed.contains(model);
}

std::vector<ModelInfo> Remote::models() {
  state_->refresh_list();
  std::lock_guard lock(state_->mutex);
  const auto info = [&](const std::string& id) {
    return ModelInfo{.id = id,
                     .owner = state_->upstream.house,
                     .chat = state_->house.chat_path != nullptr,
                     .tools = true,
                     .loaded = true,
                     .format = "remote"};
  };
  std::vector<ModelInfo> all;
  if (!state_->upstream.models.empty()) {
    for (const std::string& id : state_->upstream.models) all.push_back(info(id));
  } else {
    for (const std::string& id : state_->listed) all.push_back(info(id));
  }
  return all;
}

void Remote::prepare(const std::string&) {}

void check_model_name(const std::string& upstream, const std::string& model) {
  const bool odd = model.find("..") != std::string::npos ||
                   std::any_of(model.begin(), model.end(), [](unsigned char c) { return c < 0x21 || c == 0x7f; });
  if (model.empty() || odd)
    throw Error(Code::kInvalidArgument, fmt::format("model: '{}' cannot be a model of {}", model, upstream));
}

namespace {

// What the house has no word for and the answer does without: said, since it is not done.
std::vector<std::string> left_out(const chat::ChatRequest& request, const House& house) {
  if (house.dialect == Dialect::kHunyuan && request.max_tokens)
    return {fmt::format("max_tokens: {} has no such setting, the answer may be longer", house.title)};
  const bool asks = house.dialect == Dialect::kOpenAi || house.dialect == Dialect::kResponses;
  const bool strict = std::any_of(request.tools.begin(), request.tools.end(), [](const auto& t) { return t.strict; });
  if (!asks || !strict || house.traits.strict_tools) return {};
  return {fmt::format("strict: {} does not keep calls to their schema", house.title)};
}

}  // namespace

struct Remote::Start {
  std::string model, path, body;
  bool stream = true;
  net::Headers headers = {};  // besides the house's
  RemoteAnswer answer;

  // The request as it goes out, and what of it must not be seen.
  std::pair<net::ClientRequest, Secrets> request(const State& state, const Account& account) {
    Secrets secrets;
    net::ClientRequest request = state.request("POST", path, std::move(body), account, &secrets);
    if (stream) request.head_timeout = request.answer_timeout = state.first_timeout();
    State::put(headers, request);
    return {std::move(request), std::move(secrets)};
  }
};

CallPtr Remote::begin(const std::shared_ptr<State>& state, Start start, EventSink sink) {
  const size_t key = state->take_key();
  const Account account = state->account(key);
  start.answer.upstream = state->upstream.name;
  start.answer.error = state->asking.error;
  start.answer.book = state->options.book;
  start.answer.stream = start.stream;
  if (state->house.signs) start.answer.clock = state->options.seconds_since_1970;
  const auto fresh = std::make_shared<std::atomic<bool>>(true);
  start.answer.on_finished = [state, key, fresh, model = start.model](const RemoteAnswer::Finished& end) {
    if (end.good) return state->keys.succeeded(key);
    // A token that was taken back before its time says nothing of the key: the next call gets a new one.
    if (!*fresh && end.status == 401) return state->tokens->forget(state->token_name(key, model));
    state->keys.failed(key, end.status, end.retry_after);
  };
  if (!state->trades(account)) {
    auto [request, secrets] = start.request(*state, account);
    start.answer.secrets = std::move(secrets);
    return start_remote_call(state->client, std::move(request), std::move(start.answer), std::move(sink));
  }
  const auto call = wait_remote_call(std::exchange(start.answer, {}), std::move(sink));
  const std::string model = start.model;  // start moves on
  state->with_proof(key, model,
                    [state, key, call, fresh, start = std::make_shared<Start>(std::move(start))](
                        const Account& proved, const Tokens::Given& given) {
                      *fresh = given.fresh;
                      if (given.error) {
                        state->no_token(key, *given.error);
                        const bool callers = given.error->code() == Code::kInvalidArgument;
                        return call->fail(*given.error, callers ? 400 : 502);
                      }
                      auto [request, secrets] = start->request(*state, proved);
                      call->go(state->client, std::move(request), std::move(secrets));
                    });
  return call;
}

// What media goes out with: a request that is complete, and what becomes of its key.
Remote::Prepared Remote::prepared(HouseCall call, std::optional<uint32_t> key) const {
  const std::shared_ptr<State> state = state_;
  const size_t count = std::max<size_t>(state->upstream.keys.size(), 1);
  const size_t taken = key ? *key % count : state->take_key();
  const Account account = state->account(taken);
  if (state->trades(account))
    throw Error(Code::kUnsupported,
                fmt::format("{}: a key that is traded for tokens makes no media here", state->upstream.name));
  Prepared prepared{.key = static_cast<uint32_t>(taken), .error = state->asking.error};
  prepared.request = state->request(std::move(call.method), call.path, std::move(call.body), account, &prepared.secrets,
                                    std::move(call.headers));
  prepared.on_finished = [state, taken](const RemoteAnswer::Finished& end) {
    if (end.good) return state->keys.succeeded(taken);
    state->keys.failed(taken, end.status, end.retry_after);
  };
  return prepared;
}

net::Client& Remote::client() const noexcept { return state_->client; }
const RemoteOptions& Remote::options() const noexcept { return state_->options; }
const House& Remote::house() const noexcept { return state_->house; }

void Remote::refuse_personal_data(const chat::OrderedJson& words) const {
  if (state_->finder) Guarded(state_->finder, true, state_->upstream.name).refuse_in(words);
}

CallPtr Remote::chat(chat::ChatRequest request, EventSink sink) {
  State& state = *state_;
  check_model_name(state.upstream.name, request.model);
  if (!state.house.chat_path) throw Error(Code::kUnsupported, fmt::format("{} offers no chat", state.house.title));
  std::string maker = maker_of(state.upstream, request.model);
  keep_own_signatures(request, maker);
  const auto guarded = state.guarded([&](Guarded& guard) { guard.mask(request); });
  if (guarded) sink = guarded->restoring(std::move(sink));
  Start start{.model = request.model,
              .path = state.house.chat_path(request.model, true),
              .body = state.asking.chat(request, true),
              .answer = {.reader = state.asking.reader(), .maker = std::move(maker)}};
  start.answer.warnings = left_out(request, state.house);
  return begin(state_, std::move(start), std::move(sink));
}

CallPtr Remote::complete(chat::CompletionRequest request, EventSink sink) {
  State& state = *state_;
  check_model_name(state.upstream.name, request.model);
  if (state.house.completions_path.empty() || !state.asking.complete)
    throw Error(Code::kUnsupported, fmt::format("{} offers no plain completions, only chat", state.house.title));
  const auto guarded = state.guarded([&](Guarded& guard) { guard.mask(request); });
  if (guarded) sink = guarded->restoring(std::move(sink));
  return begin(state_,
               {.model = request.model,
                .path = state.house.completions_path,
                .body = state.asking.complete(request, true),
                .answer = {.reader = state.asking.completion_reader(), .maker = {}}},
               std::move(sink));
}

bool Remote::passes(const std::string&, Dialect dialect) {
  return state_->house.chat_path && state_->house.dialect == dialect;
}

bool Remote::passes_at_once(const std::string& model, Dialect dialect) {
  // A token may have to be fetched; a search for personal data takes milliseconds.
  return passes(model, dialect) && !state_->tokens && !state_->finder;
}

namespace {

// The body for this upstream: its own name of the model and, where OpenAI's dialect tells the usage of a stream only to
// those who ask, the question. True: it was not the caller's.
bool address(const Passage& passage, const House& house, std::string& body) {
  const bool named = passage.peek.model_end > 0;
  body = named ? passage.peek.with_model(*passage.body, passage.model) : *passage.body;
  const bool asks = passage.stream && house.dialect == Dialect::kOpenAi && house.traits.stream_usage &&
                    !passage.peek.stream_options && named;
  if (!asks) return false;
  body.insert(body.rfind('}'), R"(,"stream_options":{"include_usage":true})");
  return true;
}

void mask(Passage& passage, Guarded& guard) {
  auto body = std::make_shared<std::string>(*passage.body);
  guard.mask_body(*body);
  if (guard.empty()) return;
  passage.peek = chat::peek_request(*body);  // the model's name stands elsewhere now
  passage.body = std::move(body);
}

}  // namespace

CallPtr Remote::pass(Passage passage, WireSink wire, EventSink sink) {
  State& state = *state_;
  check_model_name(state.upstream.name, passage.model);
  Start start{.model = passage.model,
              .path = state.house.chat_path(passage.model, passage.stream),
              .body = {},
              .stream = passage.stream,
              .headers = std::move(passage.headers),
              .answer = {.reader = state.asking.reader(), .maker = maker_of(state.upstream, passage.model)}};
  const auto guarded = state.guarded([&](Guarded& guard) { mask(passage, guard); });
  if (guarded) {
    sink = guarded->restoring(std::move(sink));
    wire = guarded->restoring(std::move(wire), passage.dialect, passage.stream);
  }
  start.answer.wire = std::move(wire);
  start.answer.passed = passage.body;
  start.answer.hides_usage = address(passage, state.house, start.body);
  return begin(state_, std::move(start), std::move(sink));
}

namespace {

// Gemini's dialect names the model once more where a whole request is counted; all else stays as it was written.
std::string counting_body(const Passage& passage) {
  constexpr const char* kWhole = "generateContentRequest";
  if (passage.dialect != Dialect::kGemini || passage.body->find(kWhole) == std::string::npos)
    return passage.peek.model_end > 0 ? passage.peek.with_model(*passage.body, passage.model) : *passage.body;
  auto json = chat::parse_body(*passage.body);
  const auto whole = json.find(kWhole);
  if (whole == json.end() || !whole->is_object()) return *passage.body;
  (*whole)["model"] = "models/" + passage.model;
  return json.dump();
}

bool is_count(Dialect dialect, const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const char* field = dialect == Dialect::kGemini ? "totalTokens" : "input_tokens";
  return json.is_object() && json.contains(field) && json[field].is_number_unsigned();
}

}  // namespace

bool Remote::counts(Dialect dialect) const { return state_->house.count_path && state_->house.dialect == dialect; }

std::optional<std::string> Remote::count(Passage passage, std::stop_token stop) {
  State& state = *state_;
  if (!counts(passage.dialect)) return std::nullopt;
  check_model_name(state.upstream.name, passage.model);
  state.guarded([&](Guarded& guard) { mask(passage, guard); });
  std::string counted = state.fetch("POST", state.house.count_path(passage.model), counting_body(passage),
                                    passage.model, std::move(stop), passage.headers);
  if (!is_count(passage.dialect, counted))
    throw Error(Code::kUpstream, fmt::format("{}: its answer is no count of tokens", state.upstream.name));
  return counted;
}

Embeddings Remote::embed(const EmbedRequest& request, std::stop_token stop) {
  std::vector<std::string> inputs = request.inputs;
  State& state = *state_;
  check_model_name(state.upstream.name, request.model);
  if (state.house.embeddings_path.empty() || state.house.dialect != Dialect::kOpenAi)
    throw Error(Code::kUnsupported, fmt::format("{} offers no embeddings here", state.house.title));
  state.guarded([&](Guarded& guard) { guard.mask(inputs); });
  nlohmann::json asked = {{"model", request.model}, {"input", inputs}, {"encoding_format", "float"}};
  if (request.dimensions > 0) asked["dimensions"] = request.dimensions;
  const std::string body =
      state.fetch("POST", state.house.embeddings_path,
                  asked.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), request.model, std::move(stop));
  const auto odd = [&](std::string_view why) {
    throw Error(Code::kUpstream, fmt::format("{}: its embeddings are {}", state.upstream.name, why));
  };
  Embeddings result;
  try {
    const nlohmann::json json = nlohmann::json::parse(body);
    result.vectors.resize(inputs.size());
    for (const auto& one : json.at("data")) {
      const size_t index = one.at("index").get<size_t>();
      if (index >= inputs.size()) odd("numbered beyond what was asked");
      result.vectors[index] = one.at("embedding").get<std::vector<float>>();
    }
    if (json.contains("usage") && json["usage"].contains("prompt_tokens"))
      result.tokens = json["usage"]["prompt_tokens"];
  } catch (const nlohmann::json::exception&) {
    odd("not in OpenAI's form");
  }
  if (std::any_of(result.vectors.begin(), result.vectors.end(), [](const auto& v) { return v.empty(); }))
    odd("fewer than were asked for");
  return result;
}

Ranking Remote::rerank(const RerankRequest& request, std::stop_token stop) {
  State& state = *state_;
  check_model_name(state.upstream.name, request.model);
  const RerankWay& way = state.house.rerank;
  if (way.path.empty()) throw Error(Code::kUnsupported, fmt::format("{} has no rerank here", state.house.title));
  check_rerank(way, request, state.house.title);
  RerankRequest asked = request;
  state.guarded([&](Guarded& guard) { guard.mask(asked); });
  const std::string body = way.ask(asked).dump(-1, ' ', false, chat::OrderedJson::error_handler_t::replace);
  const std::string answer =
      state.fetch("POST", way.path, body, request.model, std::move(stop), {}, limits::kMaxRerankAnswerBytes);
  try {
    return read_ranking(way, asked, answer);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", state.upstream.name, error.what()));
  }
}

namespace {

[[noreturn]] void no_tokens(const Upstream& upstream) {
  throw Error(Code::kUnsupported, fmt::format("{}: an upstream does not tell its tokens", upstream.name));
}

}  // namespace

std::vector<int32_t> Remote::tokenize(const std::string&, std::string_view, bool, bool) { no_tokens(upstream()); }
std::string Remote::detokenize(const std::string&, const std::vector<int32_t>&) { no_tokens(upstream()); }

std::pair<std::string, std::vector<int32_t>> Remote::prompt_of(const chat::ChatRequest&) {
  const House& house = state_->house;
  if (!house.count_path)
    throw Error(Code::kUnsupported,
                fmt::format("{}: {} does not tell how long a prompt is", upstream().name, house.title));
  throw Error(Code::kUnsupported,
              fmt::format("{}: {} tells how long a prompt is only where it is asked in its own API: {}",
                          upstream().name, house.title,
                          house.dialect == Dialect::kGemini ? "POST /v1beta/models/MODEL:countTokens"
                                                            : "POST /v1/messages/count_tokens"));
}

}  // namespace shenbi::gateway
