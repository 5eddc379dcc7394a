#include "gateway/remote_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/json.h"
#include "base/redact.h"
#include "chat/upstream_error.h"
#include "gateway/clock_skew.h"
#include "gateway/exchange.h"
#include "net/sse.h"

namespace shenbi::gateway {
namespace {

using chat::Event;

constexpr size_t kMaxAnswerBytes = 64u << 20;  // of an answer that is not a stream
constexpr int64_t kLongestWait = 86'400;       // s; who wants us to wait longer than a day has a wrong clock

bool is_event_stream(const net::Headers& headers) {
  return std::any_of(headers.begin(), headers.end(), [](const auto& header) {
    return header.first == "content-type" && header.second.starts_with("text/event-stream");
  });
}

bool is_refusal(int status) { return status == 401 || status == 402 || status == 403; }

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

bool is_end(const Event& event) { return event.kind == Event::Kind::kFinish || event.kind == Event::Kind::kError; }

// "usage": {, however it is spaced: what most chunks, which hold no usage or null, are let go by unparsed.
bool may_hold_usage(std::string_view data) {
  constexpr std::string_view kUsage = R"("usage")", kBlanks = " \t\r\n";
  for (size_t at = data.find(kUsage); at != data.npos; at = data.find(kUsage, at + 1)) {
    const size_t colon = data.find_first_not_of(kBlanks, at + kUsage.size());
    if (colon == data.npos || data[colon] != ':') continue;
    const size_t value = data.find_first_not_of(kBlanks, colon + 1);
    if (value != data.npos && data[value] == '{') return true;
  }
  return false;
}

bool says_nothing(const Json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty()) ||
         (value.is_structured() && std::all_of(value.begin(), value.end(), says_nothing));
}

// A chunk of OpenAI's dialect that holds nothing but the usage: without choices as OpenAI writes it, or (LiteLLM) with
// one whose delta is empty.
bool is_usage_alone(std::string_view data) try {
  if (!may_hold_usage(data)) return false;
  Json chunk = parse_json(data, "chunk");
  if (!chunk.is_object() || !chunk.contains("choices") || !chunk.contains("usage")) return false;
  Json& choices = chunk["choices"];
  if (!chunk["usage"].is_object() || !choices.is_array()) return false;
  for (Json& choice : choices) {
    if (!choice.is_object()) return false;
    choice.erase("index");
  }
  return says_nothing(choices);
} catch (const Error&) {  // its reader finds words for it
  return false;
}

class RemoteCall final : public WaitingCall, public std::enable_shared_from_this<RemoteCall> {
 public:
  RemoteCall(RemoteAnswer answer, EventSink sink) : answer_(std::move(answer)), sink_(std::move(sink)) {}

  void go(net::Client& client, net::ClientRequest request, Secrets secrets) override {
    answer_.secrets = std::move(secrets);
    if (exchange_.cancelled()) return fail(Error(Code::kCancelled, "cancelled"), 0);
    try {
      start(client, std::move(request));
    } catch (const Error& error) {
      fail(error, code_info(error.code()).http_status);
    }
  }

  void fail(const Error& error, int status) override {
    if (ended_) return;
    if (error.code() == Code::kCancelled) return take_end(&error);
    say({}, {failure(status, error.what())});
  }

  void start(net::Client& client, net::ClientRequest request) {
    exchange_.start(client, std::move(request), events_of(shared_from_this()));
  }

  void cancel() override { exchange_.cancel(); }

 private:
  friend net::ClientEvents events_of<RemoteCall>(std::shared_ptr<RemoteCall>);

  void take_head(int status, const net::Headers& headers) {
    messages_ = status == 101;  // of a WebSocket: each is one event
    status_ = messages_ ? 200 : status;
    stream_ = messages_ || (status == 200 && is_event_stream(headers));
    if (answer_.clock) skew_ = skew_words(headers, answer_.clock());
    retry_after_ = retry_after(headers);
    // A house that streams unasked, or does not when asked: its answer is told in the form that the caller expects.
    if (status_ == 200 && stream_ != answer_.stream) answer_.wire = nullptr;
  }

  void take_body(std::string_view bytes) {
    if (ended_) return;
    if (stream_) return take_stream(bytes);
    const size_t room = (status_ == 200 ? kMaxAnswerBytes : kMaxErrorBytes) - whole_.size();
    whole_ += bytes.substr(0, room);
  }

  void take_stream(std::string_view bytes) {
    if (messages_) return take_event({.event = "message", .data = std::string(bytes)});
    if (answer_.wire) unsaid_ += bytes;
    try {
      for (const net::SseEvent& event : lines_.push(bytes)) take_event(event);
    } catch (const Error& error) {  // an event beyond the bound
      say({}, {failure(502, error.what())});
    }
  }

  void take_event(const net::SseEvent& event) {
    std::vector<Event> events;
    answer_.reader->event(event.event, event.data, events);
    std::string bytes = bytes_of(event);
    if (answer_.hides_usage && is_usage_alone(event.data)) bytes.clear();
    say(std::move(bytes), std::move(events));
  }

  // An event as it came, with whatever comments stand before it.
  std::string bytes_of(const net::SseEvent& event) {
    if (!answer_.wire) return {};
    const size_t size = static_cast<size_t>(event.end - said_);
    std::string bytes = unsaid_.substr(0, size);
    unsaid_.erase(0, size);
    said_ = event.end;
    return bytes;
  }

  void take_end(const Error* error) {
    if (ended_) return;
    if (error && error->code() == Code::kCancelled) {
      say({}, {{.kind = Event::Kind::kFinish, .finish = chat::Finish::kCancelled, .usage = usage_}});
    } else if (error) {
      const bool told = error->code() == Code::kRateLimited || error->code() == Code::kUnavailable;
      status_ = 0;
      say({}, {failure(told ? code_info(error->code()).http_status : 502, error->what())});
    } else if (status_ != 200) {
      const chat::UpstreamError told = answer_.error(status_, whole_);
      Event failed =
          failure(status_for_caller(status_),
                  fmt::format("{} (status {})", told.message.empty() ? "no reason given" : told.message, status_));
      put_facts(failed, chat::read_error_facts(status_, whole_));
      say({}, {std::move(failed)});
    } else if (stream_) {
      end_stream();
    } else {
      std::vector<Event> events;
      answer_.reader->body(whole_, events);
      answer_.reader->end(events);
      say(std::move(whole_), std::move(events));
    }
  }

  void end_stream() {
    if (auto last = lines_.finish()) {
      unsaid_ += "\n\n";  // the empty line that it lacks
      last->end = said_ + unsaid_.size();
      take_event(*last);
    }
    std::vector<Event> events;
    answer_.reader->end(events);
    say({}, std::move(events));
  }

  Event failure(int status, std::string_view why) const {
    return {.kind = Event::Kind::kError, .text = fmt::format("{}: {}", answer_.upstream, why), .status = status};
  }

  void answered() {
    if (std::exchange(seen_, true)) return;
    exchange_.answered();
  }

  // What has come: bytes, if they are handed on, and what they say.
  void say(std::string bytes, std::vector<Event> events) {
    if (ended_) return;
    if (answer_.wire) {
      if (!begun_ && !begins(bytes, events)) return;
      const bool last = std::any_of(events.begin(), events.end(), is_end);
      // An error is told in our words of the dialect: the house's may be about our account.
      const auto is_error = [](const Event& event) { return event.kind == Event::Kind::kError; };
      if (std::any_of(events.begin(), events.end(), is_error)) bytes.clear();
      if (!bytes.empty()) {
        answer_.wire(answer_.secrets.hidden(std::move(bytes)), last);
        if (events.empty()) sink_({.kind = Event::Kind::kText});  // so that they go out at once
      }
    }
    for (Event& event : events) {
      if (ended_) return;
      tell(std::move(event));
    }
  }

  // Holds back what comes before the answer says something. True: it has, and `bytes` and `events` are all of it; or it
  // failed, and the failure is all.
  bool begins(std::string& bytes, std::vector<Event>& events) {
    const auto first = std::find_if(events.begin(), events.end(),
                                    [](const Event& event) { return is_content(event) || is_end(event); });
    const bool fails = first != events.end() && first->kind == Event::Kind::kError;
    if (fails) {
      begun_ = true;
      bytes.clear();
      events = {std::move(*first)};
      return true;
    }
    const bool said = first != events.end();
    held_bytes_ += bytes;
    std::move(events.begin(), events.end(), std::back_inserter(held_));
    if (!said) return false;
    begun_ = true;
    bytes = std::move(held_bytes_);
    events = std::exchange(held_, {});
    return true;
  }

  void tell(Event event) {
    if (event.kind == Event::Kind::kStart) usage_ = event.usage;
    if (is_content(event)) answered();
    if (is_content(event) && event.tokens == 0) event.tokens = 1;
    if (event.kind == Event::Kind::kError) {
      const std::string name = answer_.upstream + ": ";
      event.text = redacted(answer_.secrets.hidden(event.text.starts_with(name) ? event.text : name + event.text));
      if (is_refusal(status_) || is_refusal(event.status)) event.text += skew_;
      const int status = is_refusal(status_) ? status_ : event.status;
      put_facts(event, facts_for_caller(chat::facts_of(event), status, answer_.passed.get(), answer_.secrets));
      if (retry_after_) event.index = static_cast<uint32_t>(std::min<int64_t>(retry_after_->count(), kLongestWait));
    }
    sign(event);
    if (event.kind == Event::Kind::kFinish && event.text.empty()) event.text = answer_.reader->raw_usage();
    if (is_end(event)) finished(event);
    if (event.kind == Event::Kind::kError && is_refusal(event.status)) event.status = status_for_caller(event.status);
    const bool first = event.kind == Event::Kind::kStart;
    sink_(std::move(event));
    if (!first) return;
    for (const std::string& warning : answer_.warnings) sink_({.kind = Event::Kind::kWarning, .text = warning});
  }

  void sign(Event& event) {
    const bool goes_on = std::exchange(signing_, event.kind == Event::Kind::kSignature);
    if (!signing_ || answer_.maker.empty()) return;
    if (answer_.wire) {
      answer_.book->note(event.text, answer_.maker);
    } else if (!goes_on || event.name == "redacted") {  // a piece behind another one continues it
      event.text = marked(answer_.maker, event.text);
    }
  }

  void finished(const Event& event) {
    ended_ = true;
    const bool good = event.kind == Event::Kind::kFinish && event.finish != chat::Finish::kCancelled;
    // An error inside an answer of status 200 counts as what it says it is.
    if (good || event.kind == Event::Kind::kError)
      answer_.on_finished({good ? 200 : status_ == 200 ? event.status : status_, retry_after_, good});
    exchange_.drop();  // what comes behind the end is of no use
  }

  RemoteAnswer answer_;
  EventSink sink_;

  // on the client's thread alone
  net::SseReader lines_;
  std::string whole_;  // of an answer that is no stream
  int status_ = 0;
  bool stream_ = false, messages_ = false, ended_ = false;
  std::string skew_;  // how wrong our clock is
  std::optional<std::chrono::seconds> retry_after_;
  chat::Usage usage_;
  bool signing_ = false;  // the last event was of a signature
  bool seen_ = false;     // some content
  // with a wire
  std::string unsaid_;  // bytes of events that are not complete
  uint64_t said_ = 0;   // how many bytes came before them
  bool begun_ = false;  // the answer has said something
  std::string held_bytes_;
  std::vector<Event> held_;

  Exchange exchange_;
};

}  // namespace

// A key of ours that is refused is not his 401.
int status_for_caller(int upstream) {
  if (is_refusal(upstream)) return 502;
  if (upstream >= 400 && upstream < 500) return upstream;
  return upstream == 503 || upstream == 504 || upstream == 529 ? 503 : 502;
}

chat::ErrorFacts facts_for_caller(chat::ErrorFacts facts, int status, const std::string* passed,
                                  const Secrets& secrets) {
  if (facts.reason == Reason::kAccount) return {};
  const bool about_request = status >= 400 && status < 500 && !is_refusal(status);
  const chat::ErrorFacts reason{.reason = facts.reason};
  if (!passed || !about_request) return reason;
  for (const std::string* word : {&facts.code, &facts.type, &facts.param}) {
    if (redacted(secrets.hidden(*word)) != *word) return reason;
  }
  // "messages[0].content": his, if he sent "messages".
  const std::string field = facts.param.substr(0, facts.param.find_first_of(".["));
  if (passed->find('"' + field + '"') == std::string::npos) facts.param.clear();
  return facts;
}

std::optional<std::chrono::seconds> retry_after(const net::Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (name != "retry-after") continue;
    uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error == std::errc() && end == value.data() + value.size()) return std::chrono::seconds(seconds);
  }
  return std::nullopt;
}

std::shared_ptr<WaitingCall> wait_remote_call(RemoteAnswer answer, EventSink sink) {
  return std::make_shared<RemoteCall>(std::move(answer), std::move(sink));
}

CallPtr start_remote_call(net::Client& client, net::ClientRequest request, RemoteAnswer answer, EventSink sink) {
  auto call = std::make_shared<RemoteCall>(std::move(answer), std::move(sink));
  call->start(client, std::move(request));
  return call;
}

}  // namespace shenbi::gateway
