#include "chat/asking/answer_reading.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "chat/dialect.h"
#include "chat/fields.h"

namespace shenbi::chat {
namespace {

[[noreturn]] void wrong_type(const char* key, std::string_view expected, const OrderedJson& json) {
  throw Error(Code::kUpstream, fmt::format("{}: expected {}, found {}", key, expected, kind_of(json)));
}

}  // namespace

const OrderedJson* found(const OrderedJson& json, const char* key) noexcept {
  if (!json.is_object()) return nullptr;
  const auto at = json.find(key);
  return at == json.end() || at->is_null() ? nullptr : &*at;
}

const OrderedJson* found_object(const OrderedJson& json, const char* key) {
  const OrderedJson* value = found(json, key);
  if (value && !value->is_object()) wrong_type(key, "an object", *value);
  return value;
}

const OrderedJson* found_list(const OrderedJson& json, const char* key) {
  const OrderedJson* value = found(json, key);
  if (value && !value->is_array()) wrong_type(key, "a list", *value);
  return value;
}

const std::string& found_text(const OrderedJson& json, const char* key) {
  static const std::string none;
  const OrderedJson* value = found(json, key);
  if (!value) return none;
  if (!value->is_string()) wrong_type(key, "a string", *value);
  return value->get_ref<const std::string&>();
}

uint64_t found_count(const OrderedJson& json, const char* key) {
  const OrderedJson* value = found(json, key);
  if (!value) return 0;
  if (value->is_number_unsigned()) return value->get<uint64_t>();
  const bool whole = value->is_number_float() && value->get<double>() >= 0 && value->get<double>() < 0x1p53;
  if (!whole) wrong_type(key, "a count", *value);
  return static_cast<uint64_t>(value->get<double>());
}

std::vector<TokenLogprob> read_openai_logprobs(const OrderedJson& list) {
  const auto bytes_of = [](const OrderedJson& json) {
    const OrderedJson* bytes = found_list(json, "bytes");
    if (!bytes) return found_text(json, "token");
    std::string out;
    for (const OrderedJson& byte : *bytes)
      out += static_cast<char>(byte.is_number_integer() ? byte.get<int64_t>() : '?');
    return out;
  };
  const auto value_of = [](const OrderedJson& json) {
    const OrderedJson* value = found(json, "logprob");
    if (!value) return 0.0;
    if (!value->is_number()) wrong_type("logprob", "a number", *value);
    return value->get<double>();
  };
  std::vector<TokenLogprob> out;
  for (const OrderedJson& json : list) {
    TokenLogprob token{.bytes = bytes_of(json), .logprob = value_of(json)};
    if (const OrderedJson* top = found_list(json, "top_logprobs")) {
      for (const OrderedJson& one : *top) {
        token.top.emplace_back(-1, value_of(one));
        token.top_bytes.push_back(bytes_of(one));
      }
    }
    out.push_back(std::move(token));
  }
  return out;
}

// --- the door ---

template <class Read>
void BaseReader::guarded(std::vector<Event>& out, Read read) {
  if (over_) return;
  out_ = &out;
  try {
    read();
  } catch (const Error& error) {
    fail(502, fmt::format("{}: {}", house_, error.what()));
  }
  out_ = nullptr;
}

void BaseReader::event(std::string_view name, std::string_view data, std::vector<Event>& out) {
  guarded(out, [&] { read_event(name, data); });
}

void BaseReader::body(std::string_view bytes, std::vector<Event>& out) {
  guarded(out, [&] {
    const OrderedJson json = parsed(bytes);
    if (!json.is_object()) wrong_type("answer", "an object", json);
    if (!told_error(json)) read_body(json);
  });
}

void BaseReader::end(std::vector<Event>& out) {
  guarded(out, [&] { read_end(); });
}

void BaseReader::cut() const { throw Error(Code::kUpstream, "the answer ended before it was complete"); }

OrderedJson BaseReader::parsed(std::string_view data) const {
  // A character that a house cut in two is no reason to lose the answer.
  if (!is_valid_utf8(data)) return parse_ordered_json(sanitize_utf8(data), "the answer");
  return parse_ordered_json(data, "the answer");
}

// --- events ---

Event& BaseReader::add(Event::Kind kind) {
  out_->push_back({.kind = kind});
  return out_->back();
}

bool BaseReader::told_error(const OrderedJson& json) {
  const auto error = error_in(json, 0, error_status_);
  if (error) fail(error->status, fmt::format("{}: {}", house_, error->message), error_facts_in(json, error->status));
  return error.has_value();
}

void BaseReader::start() {
  if (std::exchange(started_, true)) return;
  Event& event = add(Event::Kind::kStart);
  event.model = model_;
  event.usage.prompt_tokens = usage_.prompt_tokens;
  event.usage.cached_tokens = usage_.cached_tokens;
  event.usage.cache_write_tokens = usage_.cache_write_tokens;
}

void BaseReader::text(std::string_view text, std::vector<TokenLogprob> logprobs) {
  if (text.empty() && logprobs.empty()) return;
  start();
  has_said_ = true;
  Event& event = add(Event::Kind::kText);
  event.text = text;
  event.tokens = static_cast<uint32_t>(logprobs.size());
  event.logprobs = std::move(logprobs);
}

void BaseReader::thinking(std::string_view text) {
  if (text.empty()) return;
  start();
  has_thought_ = true;
  add(Event::Kind::kThinking).text = text;
}

void BaseReader::signature(std::string_view text) {
  if (text.empty()) return;
  start();
  add(Event::Kind::kSignature).text = text;
}

void BaseReader::redacted(std::string_view data) {
  if (data.empty()) return;
  start();
  Event& event = add(Event::Kind::kSignature);
  event.text = data;
  event.name = "redacted";
}

uint32_t BaseReader::begin_call(std::string_view id, std::string_view name) {
  if (calls_ >= limits::kMaxRequestTools) {
    throw Error(Code::kUpstream, fmt::format("the answer calls more than {} tools", limits::kMaxRequestTools));
  }
  if (name.empty() || name.size() > limits::kMaxToolNameBytes) {
    throw Error(Code::kUpstream, fmt::format("a tool call's name has {} bytes, 1 to {} are allowed", name.size(),
                                             limits::kMaxToolNameBytes));
  }
  start();
  Event& event = add(Event::Kind::kToolCall);
  event.index = calls_;
  event.id = id.empty() ? new_answer_id("call_") : id;
  event.name = name;
  return calls_++;
}

void BaseReader::arguments(uint32_t index, std::string_view text) {
  if (text.empty()) return;
  argument_bytes_ += text.size();
  if (argument_bytes_ > limits::kMaxToolCallBytes) {
    throw Error(Code::kUpstream,
                fmt::format("arguments of tool calls are longer than {} bytes", limits::kMaxToolCallBytes));
  }
  Event& event = add(Event::Kind::kToolArguments);
  event.index = index;
  event.text = text;
}

void BaseReader::warn(std::string_view text) {
  start();
  add(Event::Kind::kWarning).text = text;
}

void BaseReader::warn_once(std::string_view text) {
  if (std::find(warned_.begin(), warned_.end(), text) != warned_.end()) return;
  if (warned_.size() >= 64) return;  // an honest answer has a handful
  warned_.emplace_back(text);
  warn(text);
}

void BaseReader::finish() {
  start();
  over_ = true;
  Event& event = add(Event::Kind::kFinish);
  event.finish = finish_.value_or(Finish::kStop);
  // Several houses say "stop" where the model stopped in order to call.
  if (event.finish == Finish::kStop && calls_ > 0) event.finish = Finish::kToolCalls;
  event.stop_string = stop_string_;
  event.usage = usage_;
  event.model = model_;
}

void BaseReader::fail(int status, std::string_view message, const ErrorFacts& facts) {
  over_ = true;
  Event& event = add(Event::Kind::kError);
  event.status = status;
  event.text = one_line(message);
  event.usage = usage_;
  put_facts(event, facts);
}

void BaseReader::keep_usage(const OrderedJson& usage) {
  raw_usage_ = usage.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace shenbi::chat
