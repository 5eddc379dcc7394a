#include "server/request_record.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace shenbi::server {
namespace {

using Json = nlohmann::ordered_json;

thread_local RequestRecordPtr current_record;

double milliseconds(trace::Time from, trace::Time to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

// To a hundredth: a log is read by people.
double rounded(double value) { return std::round(value * 100) / 100; }

// The methods that semantic conventions know; any other would be a name of the client's choice.
bool is_known(std::string_view method) {
  static constexpr std::string_view kKnown[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                "OPTIONS", "CONNECT", "TRACE", "PATCH"};
  return std::find(std::begin(kKnown), std::end(kKnown), method) != std::end(kKnown);
}

// "host:port", "[::1]:port" or a host alone.
void set_server(trace::Span& span, std::string_view host) {
  if (host.empty()) return;
  const size_t colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
  if (has_port) {
    int64_t port = 0;
    for (const char c : host.substr(colon + 1, 5)) port = c >= '0' && c <= '9' ? port * 10 + (c - '0') : port;
    span.set("server.port", port);
    host = host.substr(0, colon);
  }
  span.set("server.address", std::string(host));
}

trace::Span root_span(trace::Tracer& tracer, const net::ServerRequest& request, const std::string& id,
                      const std::string& route) {
  const std::string method = is_known(request.method) ? request.method : "_OTHER";
  const std::string first = method == "_OTHER" ? "HTTP" : method;
  auto span = tracer.root(route.empty() ? first : first + ' ' + route, trace::Kind::kServer,
                          trace::read_context(request.header("traceparent"), request.header("tracestate")));
  span.set("http.request.method", method);
  if (!route.empty()) span.set("http.route", route);
  span.set("url.scheme", std::string(request.secure ? "https" : "http"));
  span.set("url.path", request.path);
  span.set("client.address", request.peer);
  if (const auto agent = request.header("user-agent"); !agent.empty())
    span.set("user_agent.original", std::string(agent));
  set_server(span, request.header("host"));
  span.set("shenbi.request.id", id);
  return span;
}

void add_figures(Json& json, const AnswerFigures& figures) {
  json["model"] = figures.model;
  json["prompt_tokens"] = figures.prompt_tokens;
  json["cached_tokens"] = figures.cached_tokens;
  json["completion_tokens"] = figures.completion_tokens;
  if (figures.completion_tokens > 0) json["ttft_ms"] = rounded(figures.first_token_s * 1000);
  if (figures.queue_s) json["queue_ms"] = rounded(*figures.queue_s * 1000);
  if (!figures.finish.empty()) json["finish"] = figures.finish;
}

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

RequestRecord::RequestRecord(const net::ServerRequest& request, std::string id, std::string route,
                             trace::Tracer* tracer)
    : id_(std::move(id)),
      route_(std::move(route)),
      method_(request.method),
      peer_(request.peer),
      received_(request.body.size()) {
  if (tracer) span_ = root_span(*tracer, request, id_, route_);
}

void RequestRecord::set_key(const std::string& name) {
  std::lock_guard lock(mutex_);
  key_ = name;
}

void RequestRecord::set_status(int status) {
  std::lock_guard lock(mutex_);
  if (status_ == 0) status_ = status;
}

void RequestRecord::add_bytes(size_t sent) {
  std::lock_guard lock(mutex_);
  sent_ += sent;
}

void RequestRecord::fail(std::string_view type, bool ours) {
  std::lock_guard lock(mutex_);
  if (error_.empty()) error_ = std::string(type);
  if (ours) span_.fail(type);
}

void RequestRecord::add_answer(const AnswerFigures& figures) {
  std::lock_guard lock(mutex_);
  if (finished_) {
    Json json = {{"event", "answer"}, {"request", id_}};
    add_figures(json, figures);
    return log_event(LogLevel::kInfo, text_of(json));
  }
  if (!answer_) {
    answer_ = figures;
    return;
  }
  answer_->prompt_tokens += figures.prompt_tokens;
  answer_->cached_tokens += figures.cached_tokens;
  answer_->completion_tokens += figures.completion_tokens;
  answer_->first_token_s = std::min(answer_->first_token_s, figures.first_token_s);
}

std::string RequestRecord::line() const {
  Json json = {{"event", "request"},    {"request", id_},
               {"method", method_},     {"route", route_.empty() ? "none" : route_},
               {"status", status_},     {"ms", rounded(milliseconds(start_, std::chrono::steady_clock::now()))},
               {"bytes_in", received_}, {"bytes_out", sent_},
               {"peer", peer_}};
  if (!key_.empty()) json["key"] = key_;
  if (answer_) add_figures(json, *answer_);
  if (!error_.empty()) json["error"] = error_;
  if (span_.recorded()) json["trace"] = trace::hex(span_.context().trace);
  return text_of(json);
}

void RequestRecord::finish() {
  std::lock_guard lock(mutex_);
  if (std::exchange(finished_, true)) return;
  if (status_ == 0 && error_.empty()) error_ = "client_gone";
  if (log_wanted(LogLevel::kInfo)) log_event(LogLevel::kInfo, line());
  if (status_ > 0) span_.set("http.response.status_code", int64_t{status_});
  if (status_ >= 500) span_.fail(error_.empty() ? std::to_string(status_) : error_);
  span_.end();
}

RequestRecordPtr RequestRecord::current() { return current_record; }

RequestRecord::Entered::Entered(RequestRecordPtr record)
    : before_(std::exchange(current_record, record)), log_(record->id_), trace_(record->span_) {}
RequestRecord::Entered::~Entered() { current_record = std::move(before_); }

}  // namespace shenbi::server
