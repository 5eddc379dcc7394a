#include "gateway/remote_media.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "chat/upstream_error.h"
#include "gateway/exchange.h"
#include "gateway/media_tally.h"
#include "gateway/waited_job.h"
#include "net/sse.h"

namespace shenbi::gateway {
namespace {

using chat::Event;

bool is_json(std::string_view type) { return type.find("json") != type.npos; }
bool is_events(std::string_view type) { return type.substr(0, 17) == "text/event-stream"; }

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

  void start(net::Client& client) { exchange_.start(client, std::move(house_.request), events_of(shared_from_this())); }

  void cancel() override { exchange_.cancel(); }

 private:
  friend net::ClientEvents events_of<MediaCall>(std::shared_ptr<MediaCall>);

  void take_head(int status, const net::Headers& headers) {
    status_ = status;
    type_ = header_of(headers, "content-type");
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
    if (error) fail(error->status, error->message, chat::error_facts_in(json, error->status));
    return error.has_value();
  }

  void say(std::string_view bytes) {
    const bool first = !std::exchange(begun_, true);
    if (first && wire_.head) wire_.head(shown_media_type(request_.kind, type_), !flows_);
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
      return fail(status_for_caller(status_), fmt::format("{} (status {})", told.message, status_),
                  chat::read_error_facts(status_, whole_));
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
      fail(error->status, error->message, chat::error_facts_in(json, error->status));
      return false;
    }
    try {
      tell_answer(request_, way_.told, whole_, type_);
    } catch (const Error& error) {
      fail(code_info(error.code()).http_status, error.what());
      return false;
    }
    tally_.whole(whole_);
    say(request_.kind == MediaKind::kSpeech ? whole_ : house_.secrets.hidden(std::move(whole_)));
    return true;
  }

  void fail(int status, std::string_view why, const chat::ErrorFacts& facts = {}) {
    Event event{.kind = Event::Kind::kError,
                .text = house_.secrets.hidden(fmt::format("{}: {}", upstream_, why)),
                .status = status};
    // The request was told in the house's form, whatever form that is.
    put_facts(event, facts_for_caller(facts, status, nullptr, house_.secrets));
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
    exchange_.drop();  // what comes behind the end is of no use
  }

  const std::string upstream_;
  MediaRequest request_;
  const MediaWay way_;
  Remote::Prepared house_;
  const MediaWire wire_;
  const EventSink sink_;

  // on the client's thread alone
  MediaTally tally_;
  net::SseReader events_;
  std::string whole_, type_;
  int status_ = 0;
  bool flows_ = false, begun_ = false, ended_ = false;
  std::optional<std::chrono::seconds> retry_after_;

  Exchange exchange_;
};

[[noreturn]] void offers_none(const House& house, MediaKind kind) {
  throw Error(Code::kUnsupported, fmt::format("model: {} offers no {} here", house.title, media_name(kind)));
}

}  // namespace

std::string shown_media_type(MediaKind kind, const std::string& type) {
  if (is_events(type)) return "text/event-stream";
  if (kind == MediaKind::kSpeech) return type.starts_with("audio/") ? type : "application/octet-stream";
  return is_json(type) ? "application/json" : "text/plain; charset=utf-8";
}

void tell_answer(const MediaRequest& request, const Told& told, std::string& body, std::string& type) {
  if (told) told(request, body, type);
  if (request.kind == MediaKind::kSpeech && is_json(type))
    throw Error(Code::kUpstream, "its answer is JSON and no sound");
  if (body.empty()) throw Error(Code::kUpstream, "an empty answer");
  const bool pictures = media_output(request.kind) == "image";
  if (pictures || is_json(type)) check_openai_answer(request, body);
  if (pictures) type = "application/json";
}

CallPtr Remote::media(const MediaRequest& request, MediaWire wire, EventSink sink) {
  check_model_name(upstream().name, request.model);
  refuse_personal_data(request.words);
  const auto job = house().jobs.find(request.kind);
  if (job != house().jobs.end() && job->second.told && (!job->second.takes || job->second.takes(request.model))) {
    return start_waited_job(
        {.upstream = upstream().name,
         .request = request,
         .way = job->second,
         .prepare = [self = *this](HouseCall call, std::optional<uint32_t> key) { return self.prepared(call, key); },
         .alarms = *options().alarms,
         .client = client(),
         .look_every = options().look_every,
         .wire = std::move(wire)},
        std::move(sink));
  }
  const auto way = house().media.find(request.kind);
  if (way == house().media.end()) offers_none(house(), request.kind);
  Prepared ready = prepared(way->second.ask(request, request.model), std::nullopt);
  ready.request.max_bytes = kMaxMediaAnswerBytes;
  auto call = std::make_shared<MediaCall>(upstream().name, request, way->second, std::move(ready), std::move(wire),
                                          std::move(sink));
  call->start(client());
  return call;
}

}  // namespace shenbi::gateway
