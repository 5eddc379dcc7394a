#include "gateway/remote.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <future>
#include <mutex>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "gateway/key_pool.h"
#include "net/sse.h"

namespace shenbi::gateway {
namespace {

using chat::Event;
using Clock = std::chrono::steady_clock;

constexpr auto kListIsFresh = std::chrono::minutes(10);  // houses add models by the week
constexpr auto kListRetry = std::chrono::minutes(1);
constexpr size_t kMaxAnswerBytes = 64u << 20;  // of an answer that is not a stream, and of lists
constexpr size_t kMaxErrorBytes = 64u << 10;   // more of an error page helps nobody
constexpr size_t kMaxListedModels = 20'000;    // the largest house lists under a thousand

// The seconds form of Retry-After; dates are rare and a wrong clock makes nonsense of them.
std::optional<std::chrono::seconds> retry_after(const net::Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (name != "retry-after") continue;
    uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error == std::errc() && end == value.data() + value.size()) return std::chrono::seconds(seconds);
  }
  return std::nullopt;
}

bool is_event_stream(const net::Headers& headers) {
  return std::any_of(headers.begin(), headers.end(), [](const auto& header) {
    return header.first == "content-type" && header.second.starts_with("text/event-stream");
  });
}

// How a failure of the house looks to our own caller, whose key and request may be in order: a key of ours that is
// refused is not his 401.
int status_for_caller(int upstream) {
  if (upstream == 401 || upstream == 403 || upstream == 402) return 502;
  if (upstream >= 400 && upstream < 500) return upstream;
  return upstream == 503 || upstream == 504 || upstream == 529 ? 503 : 502;
}

bool is_content(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kText:
    case Event::Kind::kThinking:
    case Event::Kind::kToolCall:
    case Event::Kind::kToolArguments:
      return true;
    default:
      return false;
  }
}

}  // namespace

struct Remote::State : std::enable_shared_from_this<State> {
  Upstream upstream;
  House house;
  chat::Asking asking;
  net::Client& client;
  RemoteOptions options;
  KeyPool keys;

  std::mutex mutex;
  std::set<std::string, std::less<>> listed;  // what the house said it has
  Clock::time_point list_again{};
  bool listing = false;

  State(Upstream u, net::Client& c, RemoteOptions o)
      : upstream(std::move(u)),
        house(find_house(upstream.house)),
        asking(asking_of(house)),
        client(c),
        options(std::move(o)),
        keys(upstream.keys.size(), options.now) {
    if (!upstream.base_url.empty()) house.base_url = upstream.base_url;
    while (house.base_url.ends_with('/')) house.base_url.pop_back();
    listed.insert(house.models.begin(), house.models.end());
  }

  size_t take_key() {
    if (const auto key = keys.take()) return *key;
    throw Error(Code::kRateLimited, fmt::format("{}: every key is cooling down, the first for {} s more", upstream.name,
                                                keys.wait().count()));
  }

  net::ClientRequest request(std::string method, const std::string& path, std::string body, size_t key) const {
    net::ClientRequest request{.method = std::move(method),
                               .url = house.base_url + path,
                               .headers = house.headers,
                               .body = std::move(body),
                               .head_timeout = options.head_timeout,
                               .idle_timeout = options.idle_timeout,
                               .public_only = !upstream.private_network};
    if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    const Account account{.key = upstream.keys.empty() ? "" : secret_of(upstream.keys[key]),
                          .settings = upstream.settings};
    house.authorise(request, account, options.seconds_since_1970());
    return request;
  }

  // A whole exchange, waited for.
  std::string fetch(std::string method, const std::string& path, std::string body, std::stop_token stop) {
    const size_t key = take_key();
    struct Answer {
      int status = 0;
      net::Headers headers;
      std::string body;
      std::promise<void> done;
    };
    const auto answer = std::make_shared<Answer>();
    net::ClientRequest asked = request(std::move(method), path, std::move(body), key);
    asked.max_bytes = kMaxAnswerBytes;
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
      return std::move(answer->body);
    }
    keys.failed(key, answer->status, retry_after(answer->headers));
    const chat::UpstreamError error = asking.error(answer->status, answer->body);
    throw Error(net_code(answer->status),
                fmt::format("{}: {} (status {})", upstream.name, error.message, answer->status));
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
    {
      std::lock_guard lock(mutex);
      if (listing || options.now() < list_again) return;
      listing = true;
    }
    const auto body = std::make_shared<std::string>();
    const auto status = std::make_shared<int>(0);
    try {
      client.start(request("GET", house.models_path, "", 0),
                   {.on_head = [status](int s, const net::Headers&) { *status = s; },
                    .on_body =
                        [body](std::string_view bytes) {
                          if (body->size() + bytes.size() <= kMaxAnswerBytes) *body += bytes;
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

namespace {

// One call on its way.
class RemoteCall final : public Call, public std::enable_shared_from_this<RemoteCall> {
 public:
  struct Finished {
    int status;  // of the house, 0 for none
    std::optional<std::chrono::seconds> retry_after;
    bool good;
  };

  RemoteCall(std::string upstream, const chat::Asking& asking, std::unique_ptr<chat::AnswerReader> reader,
             std::vector<std::string> warnings, EventSink sink, std::function<void(const Finished&)> on_finished)
      : upstream_(std::move(upstream)),
        asking_(asking),
        reader_(std::move(reader)),
        warnings_(std::move(warnings)),
        sink_(std::move(sink)),
        on_finished_(std::move(on_finished)) {}

  void start(net::Client& client, net::ClientRequest request) {
    auto handle = client.start(
        std::move(request),
        {.on_head = [self = shared_from_this()](int status, const net::Headers& h) { self->take_head(status, h); },
         .on_body = [self = shared_from_this()](std::string_view bytes) { self->take_body(bytes); },
         .on_end = [self = shared_from_this()](const Error* error) { self->take_end(error); }});
    std::lock_guard lock(mutex_);
    handle_ = std::move(handle);
    if (cancelled_) handle_->cancel();
  }

  void cancel() override {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (handle_) handle_->cancel();
  }

 private:
  void take_head(int status, const net::Headers& headers) {
    status_ = status;
    stream_ = status == 200 && is_event_stream(headers);
    retry_after_ = retry_after(headers);
  }

  void take_body(std::string_view bytes) {
    if (ended_) return;
    if (stream_) return take_stream(bytes);
    const size_t room = (status_ == 200 ? kMaxAnswerBytes : kMaxErrorBytes) - whole_.size();
    whole_ += bytes.substr(0, room);
  }

  void take_stream(std::string_view bytes) {
    std::vector<Event> events;
    try {
      for (const net::SseEvent& event : lines_.push(bytes)) reader_->event(event.event, event.data, events);
    } catch (const Error& error) {  // an event beyond the bound
      events.push_back(failure(502, error.what()));
    }
    say(std::move(events));
  }

  void take_end(const Error* error) {
    std::vector<Event> events;
    if (ended_) return;
    if (error && error->code() == Code::kCancelled) {
      events.push_back({.kind = Event::Kind::kFinish, .finish = chat::Finish::kCancelled, .usage = usage_});
    } else if (error) {
      const bool told = error->code() == Code::kRateLimited || error->code() == Code::kUnavailable;
      events.push_back(failure(told ? code_info(error->code()).http_status : 502, error->what()));
      status_ = 0;
    } else if (status_ != 200) {
      const chat::UpstreamError told = asking_.error(status_, whole_);
      events.push_back(
          failure(status_for_caller(status_),
                  fmt::format("{} (status {})", told.message.empty() ? "no reason given" : told.message, status_)));
    } else if (stream_) {
      if (const auto last = lines_.finish()) reader_->event(last->event, last->data, events);
      reader_->end(events);
    } else {
      reader_->body(whole_, events);
      reader_->end(events);
    }
    say(std::move(events));
  }

  Event failure(int status, std::string_view why) const {
    return {.kind = Event::Kind::kError, .text = fmt::format("{}: {}", upstream_, why), .status = status};
  }

  void say(std::vector<Event> events) {
    for (Event& event : events) {
      if (ended_) return;
      if (event.kind == Event::Kind::kStart) usage_ = event.usage;
      if (is_content(event) && event.tokens == 0) event.tokens = 1;
      const bool last = event.kind == Event::Kind::kFinish || event.kind == Event::Kind::kError;
      if (event.kind == Event::Kind::kFinish && event.text.empty()) event.text = reader_->raw_usage();
      if (last) finished(event);
      const bool first = event.kind == Event::Kind::kStart;
      sink_(std::move(event));
      if (!first) continue;
      for (const std::string& warning : warnings_) sink_({.kind = Event::Kind::kWarning, .text = warning});
    }
  }

  void finished(const Event& event) {
    ended_ = true;
    const bool good = event.kind == Event::Kind::kFinish && event.finish != chat::Finish::kCancelled;
    // An error inside an answer of status 200 counts as what it says it is.
    if (good || event.kind == Event::Kind::kError)
      on_finished_({good ? 200 : status_ == 200 ? event.status : status_, retry_after_, good});
    std::lock_guard lock(mutex_);
    if (handle_) handle_->cancel();  // what comes behind the end is of no use
  }

  const std::string upstream_;
  const chat::Asking& asking_;
  std::unique_ptr<chat::AnswerReader> reader_;
  const std::vector<std::string> warnings_;  // follow the beginning of the answer
  EventSink sink_;
  std::function<void(const Finished&)> on_finished_;

  // on the client's thread alone
  net::SseReader lines_;
  std::string whole_;  // of an answer that is no stream
  int status_ = 0;
  bool stream_ = false, ended_ = false;
  std::optional<std::chrono::seconds> retry_after_;
  chat::Usage usage_;

  std::mutex mutex_;
  std::shared_ptr<net::ClientCall> handle_;
  bool cancelled_ = false;
};

}  // namespace

Remote::Remote(Upstream upstream, net::Client& client, RemoteOptions options)
    : state_(std::make_shared<State>(std::move(upstream), client, std::move(options))) {}

Remote::~Remote() = default;

const Upstream& Remote::upstream() const noexcept { return state_->upstream; }

bool Remote::ready() const { return state_->keys.ready(); }

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

namespace {

// Names go into paths of some houses: nothing in them may climb out.
void check_model_name(const std::string& upstream, const std::string& model) {
  const bool odd = model.find("..") != std::string::npos ||
                   std::any_of(model.begin(), model.end(), [](unsigned char c) { return c < 0x21 || c == 0x7f; });
  if (model.empty() || odd)
    throw Error(Code::kInvalidArgument, fmt::format("model: '{}' cannot be a model of {}", model, upstream));
}

}  // namespace

namespace {

// What the house has no word for and the answer does without: said, since it is not done.
std::vector<std::string> left_out(const chat::ChatRequest& request, const House& house) {
  const bool asks = house.dialect == Dialect::kOpenAi || house.dialect == Dialect::kResponses;
  const bool strict = std::any_of(request.tools.begin(), request.tools.end(), [](const auto& t) { return t.strict; });
  if (!asks || !strict || house.traits.strict_tools) return {};
  return {fmt::format("strict: {} does not keep calls to their schema", house.title)};
}

}  // namespace

CallPtr Remote::begin(const std::shared_ptr<State>& state, const std::string& path, std::string body,
                      std::unique_ptr<chat::AnswerReader> reader, EventSink sink, std::vector<std::string> warnings) {
  const size_t key = state->take_key();
  auto call = std::make_shared<RemoteCall>(state->upstream.name, state->asking, std::move(reader), std::move(warnings),
                                           std::move(sink), [state, key](const RemoteCall::Finished& end) {
                                             if (end.good) return state->keys.succeeded(key);
                                             state->keys.failed(key, end.status, end.retry_after);
                                           });
  call->start(state->client, state->request("POST", path, std::move(body), key));
  return call;
}

CallPtr Remote::chat(chat::ChatRequest request, EventSink sink) {
  State& state = *state_;
  check_model_name(state.upstream.name, request.model);
  if (!state.house.chat_path) throw Error(Code::kUnsupported, fmt::format("{} offers no chat", state.house.title));
  return begin(state_, state.house.chat_path(request.model, true), state.asking.chat(request, true),
               state.asking.reader(), std::move(sink), left_out(request, state.house));
}

CallPtr Remote::complete(chat::CompletionRequest request, EventSink sink) {
  State& state = *state_;
  check_model_name(state.upstream.name, request.model);
  if (state.house.completions_path.empty() || !state.asking.complete)
    throw Error(Code::kUnsupported, fmt::format("{} offers no plain completions, only chat", state.house.title));
  return begin(state_, state.house.completions_path, state.asking.complete(request, true),
               state.asking.completion_reader(), std::move(sink), {});
}

Embeddings Remote::embed(const EmbedRequest& request, std::stop_token stop) {
  const std::vector<std::string>& inputs = request.inputs;
  State& state = *state_;
  check_model_name(state.upstream.name, request.model);
  if (state.house.embeddings_path.empty() || state.house.dialect != Dialect::kOpenAi)
    throw Error(Code::kUnsupported, fmt::format("{} offers no embeddings here", state.house.title));
  nlohmann::json asked = {{"model", request.model}, {"input", inputs}, {"encoding_format", "float"}};
  if (request.dimensions > 0) asked["dimensions"] = request.dimensions;
  const std::string body =
      state.fetch("POST", state.house.embeddings_path,
                  asked.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), std::move(stop));
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

namespace {

[[noreturn]] void no_tokens(const Upstream& upstream) {
  throw Error(Code::kUnsupported, fmt::format("{}: an upstream does not tell its tokens", upstream.name));
}

}  // namespace

std::vector<int32_t> Remote::tokenize(const std::string&, std::string_view, bool, bool) { no_tokens(upstream()); }
std::string Remote::detokenize(const std::string&, const std::vector<int32_t>&) { no_tokens(upstream()); }
std::pair<std::string, std::vector<int32_t>> Remote::prompt_of(const chat::ChatRequest&) { no_tokens(upstream()); }

}  // namespace shenbi::gateway
