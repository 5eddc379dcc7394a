#include "gateway/remote_media.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "chat/upstream_error.h"
#include "net/sse.h"

namespace shenbi::gateway {
namespace {

using chat::Event;

constexpr size_t kMaxErrorBytes = 64u << 10;  // more of an error page helps nobody

std::string type_in(const net::Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (name == "content-type") return value;
  }
  return {};
}

bool is_json(std::string_view type) { return type.find("json") != type.npos; }
bool is_events(std::string_view type) { return type.substr(0, 17) == "text/event-stream"; }

// What a house calls its bytes, as far as it is harmless: nothing that a browser would run in this server's name.
std::string shown_type(MediaKind kind, const std::string& type) {
  if (is_events(type)) return "text/event-stream";
  if (kind == MediaKind::kSpeech) return type.starts_with("audio/") ? type : "application/octet-stream";
  return is_json(type) ? "application/json" : "text/plain; charset=utf-8";
}

uint64_t count_at(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

// How long the sound of a request lasts: spoken at an ordinary pace, or by the bytes of its file. A WAV says how many
// bytes a second has; what is compressed has about 64 kbit/s.
double guessed_seconds(const MediaRequest& request) {
  constexpr double kAsciiPerSecond = 15, kOthersPerSecond = 4.5, kBytesPerSecond = 8000;
  if (request.kind == MediaKind::kSpeech) {
    const auto& text = request.words.at("input").get_ref<const std::string&>();
    const auto ascii = static_cast<double>(
        std::count_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    const double others = static_cast<double>(request.most.characters) - ascii;
    return ascii / kAsciiPerSecond + others / kOthersPerSecond;
  }
  for (const MediaFile& file : request.files) {
    if (file.field != "file") continue;
    const std::string_view bytes = file.content;
    uint32_t rate = 0;
    if (bytes.size() >= 44 && bytes.substr(0, 4) == "RIFF" && bytes.substr(8, 8) == "WAVEfmt ")
      std::memcpy(&rate, bytes.data() + 28, sizeof rate);  // little-endian, as this machine is
    constexpr uint32_t kLeast = 1000, kMost = 10'000'000;  // else the header jokes
    return static_cast<double>(bytes.size()) / (rate >= kLeast && rate <= kMost ? rate : kBytesPerSecond);
  }
  return 0;
}

// What an answer says of its cost: its usage object with what was counted here beside it.
class Tally {
 public:
  explicit Tally(const MediaRequest& request) : kind_(request.kind) {
    if (kind_ == MediaKind::kSpeech) told_["characters"] = request.most.characters;
    guess_ = guessed_seconds(request);
  }

  void whole(std::string_view body) {
    if (media_output(kind_) == "audio") return;
    const Json json = Json::parse(body, nullptr, false);
    if (!json.is_object()) return;
    if (media_output(kind_) == "image" && json.contains("data") && json["data"].is_array())
      told_["images"] = json["data"].size();
    if (const auto length = json.find("duration"); length != json.end()) told_["seconds"] = *length;
    usage(json);
  }

  // One event of a stream.
  void event(std::string_view data) {
    const Json json = Json::parse(data, nullptr, false);
    if (!json.is_object()) return;
    const auto type = json.find("type");
    const bool done =
        type != json.end() && type->is_string() && type->get_ref<const std::string&>().ends_with(".completed");
    if (done && media_output(kind_) == "image") told_["images"] = count_at(told_, "images") + 1;
    usage(json);
  }

  std::string raw() const {
    Json said = told_;
    const bool counted = said.contains("seconds") || said.contains("input_tokens") || said.contains("images");
    if (guess_ > 0 && !counted) {
      said["seconds"] = guess_;
      said["estimated"] = true;
    }
    return said.empty() ? "" : said.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  chat::Usage tokens() const {
    chat::Usage usage;
    usage.prompt_tokens = count_at(told_, "input_tokens");
    usage.completion_tokens = count_at(told_, "output_tokens");
    if (const auto details = told_.find("input_tokens_details"); details != told_.end() && details->is_object())
      usage.cached_tokens = std::min(count_at(*details, "cached_tokens"), usage.prompt_tokens);
    return usage;
  }

 private:
  void usage(const Json& json) {
    const auto usage = json.find("usage");
    if (usage != json.end() && usage->is_object()) told_.update(*usage);
  }

  MediaKind kind_;
  double guess_ = 0;  // seconds of sound, where nobody says
  Json told_ = Json::object();
};

class MediaCall final : public Call, public std::enable_shared_from_this<MediaCall> {
 public:
  MediaCall(std::string upstream, MediaRequest request, MediaWay way, Remote::Prepared prepared, MediaWire wire,
            EventSink sink)
      : upstream_(std::move(upstream)),
        request_(std::move(request)),
        way_(std::move(way)),
        house_(std::move(prepared)),
        wire_(std::move(wire)),
        sink_(std::move(sink)),
        tally_(request_) {}

  void start(net::Client& client) {
    auto handle = client.start(
        std::move(house_.request),
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
    type_ = type_in(headers);
    retry_after_ = retry_after(headers);
    // A sound is handed on as it is made; what comes as JSON where a sound was asked for is an error's text.
    flows_ =
        status == 200 && !way_.told && (is_events(type_) || (request_.kind == MediaKind::kSpeech && !is_json(type_)));
  }

  void take_body(std::string_view bytes) {
    if (ended_) return;
    if (flows_) return flow(bytes);
    const size_t most = status_ == 200 ? kMaxMediaAnswerBytes : kMaxErrorBytes;
    whole_ += bytes.substr(0, most - std::min(most, whole_.size()));
  }

  void flow(std::string_view bytes) {
    if (bytes.empty()) return;
    if (is_events(type_)) {
      try {
        for (const net::SseEvent& event : events_.push(bytes)) {
          if (!begun_ && failed_in(event.data)) return;
          tally_.event(event.data);
        }
      } catch (const Error& error) {  // an event beyond the bound
        return fail(502, error.what());
      }
    }
    say(bytes);
  }

  // An error where the first event should be.
  bool failed_in(std::string_view data) {
    const auto json = chat::OrderedJson::parse(data, nullptr, false);
    const auto error = json.is_object() ? chat::error_in(json, 200, {}) : std::nullopt;
    if (error) fail(error->status, error->message);
    return error.has_value();
  }

  void say(std::string_view bytes) {
    const bool first = !std::exchange(begun_, true);
    if (first && wire_.head) wire_.head(shown_type(request_.kind, type_), !flows_);
    if (wire_.bytes) wire_.bytes(bytes);
    sink_({.kind = Event::Kind::kText, .tokens = first ? 1u : 0u});
  }

  void take_end(const Error* error) {
    if (ended_) return;
    if (error && error->code() == Code::kCancelled) return finish(chat::Finish::kCancelled);
    if (error) {
      const bool told = error->code() == Code::kRateLimited || error->code() == Code::kUnavailable;
      status_ = 0;
      return fail(told ? code_info(error->code()).http_status : 502, error->what());
    }
    if (status_ != 200) {
      const chat::UpstreamError told = house_.error(status_, whole_);
      return fail(status_for_caller(status_), fmt::format("{} (status {})", told.message, status_));
    }
    if (flows_ && !begun_) return fail(502, "an empty answer");
    if (!flows_) {
      if (!take_whole()) return;
    }
    finish(chat::Finish::kStop);
  }

  // False: it is no answer, and that has been said.
  bool take_whole() {
    const auto json = is_json(type_) || whole_.starts_with('{') ? chat::OrderedJson::parse(whole_, nullptr, false)
                                                                : chat::OrderedJson();
    if (const auto error = json.is_object() ? chat::error_in(json, 200, {}) : std::nullopt) {
      fail(error->status, error->message);
      return false;
    }
    try {
      if (way_.told) way_.told(request_, whole_, type_);
      if (request_.kind == MediaKind::kSpeech && is_json(type_))
        throw Error(Code::kUpstream, "its answer is JSON and no sound");
      if (whole_.empty()) throw Error(Code::kUpstream, "an empty answer");
      if (media_output(request_.kind) == "image" || is_json(type_)) check_openai_answer(request_, whole_);
    } catch (const Error& error) {
      fail(code_info(error.code()).http_status, error.what());
      return false;
    }
    if (media_output(request_.kind) == "image") type_ = "application/json";
    tally_.whole(whole_);
    say(request_.kind == MediaKind::kSpeech ? whole_ : house_.secrets.hidden(std::move(whole_)));
    return true;
  }

  void fail(int status, std::string_view why) {
    Event event{.kind = Event::Kind::kError,
                .text = house_.secrets.hidden(fmt::format("{}: {}", upstream_, why)),
                .status = status};
    if (retry_after_) event.index = static_cast<uint32_t>(std::min<int64_t>(retry_after_->count(), 86'400));
    close({status_ == 200 ? status : status_, retry_after_, false});
    sink_(std::move(event));
  }

  void finish(chat::Finish how) {
    if (how == chat::Finish::kStop) close({200, retry_after_, true});
    ended_ = true;
    sink_({.kind = Event::Kind::kFinish, .text = tally_.raw(), .finish = how, .usage = tally_.tokens()});
  }

  void close(const RemoteAnswer::Finished& end) {
    ended_ = true;
    house_.on_finished(end);
    std::lock_guard lock(mutex_);
    if (handle_) handle_->cancel();  // what comes behind the end is of no use
  }

  const std::string upstream_;
  MediaRequest request_;
  const MediaWay way_;
  Remote::Prepared house_;
  const MediaWire wire_;
  const EventSink sink_;

  // on the client's thread alone
  Tally tally_;
  net::SseReader events_;
  std::string whole_, type_;
  int status_ = 0;
  bool flows_ = false, begun_ = false, ended_ = false;
  std::optional<std::chrono::seconds> retry_after_;

  std::mutex mutex_;
  std::shared_ptr<net::ClientCall> handle_;
  bool cancelled_ = false;
};

[[noreturn]] void offers_none(const House& house, MediaKind kind) {
  throw Error(Code::kUnsupported, fmt::format("model: {} offers no {} here", house.title, media_name(kind)));
}

}  // namespace

CallPtr Remote::media(const MediaRequest& request, MediaWire wire, EventSink sink) {
  check_model_name(upstream().name, request.model);
  const auto way = house().media.find(request.kind);
  if (way == house().media.end()) offers_none(house(), request.kind);
  refuse_personal_data(request.words);
  Prepared ready = prepared(way->second.ask(request, request.model), std::nullopt);
  ready.request.max_bytes = kMaxMediaAnswerBytes;
  auto call = std::make_shared<MediaCall>(upstream().name, request, way->second, std::move(ready), std::move(wire),
                                          std::move(sink));
  call->start(client());
  return call;
}

}  // namespace shenbi::gateway
