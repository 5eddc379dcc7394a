// How each face tells an error: the dialects' own words, with the headers that HTTP wants beside them.

#include "base/log.h"
#include "base/redact.h"
#include "chat/dialect_anthropic.h"
#include "chat/dialect_gemini.h"
#include "chat/dialect_ollama.h"
#include "chat/dialect_openai.h"
#include "ledger/budget.h"
#include "server/request_record.h"
#include "server/router.h"

namespace shenbi::server {
namespace {

std::string error_body(Face face, int status, std::string_view told, const chat::ErrorFacts& facts = {}) {
  const std::string message = redacted(told);
  switch (face) {
    case Face::kAnthropic:
      return chat::anthropic_error(status, message, facts);
    case Face::kOllama:
      return chat::ollama_error(message);
    case Face::kGemini:
      return chat::gemini_error(status, message, facts);
    case Face::kOpenAi:
    case Face::kPage:
      break;
  }
  return chat::openai_error(status, message, facts);
}

}  // namespace

Face face_of_path(std::string_view path) noexcept {
  if (path.starts_with("/v1/messages")) return Face::kAnthropic;
  if (path.starts_with("/api/")) return Face::kOllama;
  if (path.starts_with("/v1beta/")) return Face::kGemini;
  return path.starts_with("/page/") ? Face::kPage : Face::kOpenAi;
}

net::ServerResponse json_response(int status, std::string body) {
  return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

net::ServerResponse error_response(Face face, int status, std::string_view message, const chat::ErrorFacts& facts) {
  auto response = json_response(status, error_body(face, status, message, facts));
  if (status == 429 || status == 503) response.headers.emplace_back("Retry-After", "1");
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

net::ServerResponse error_response(Face face, Code code, std::string_view message) {
  return error_response(face, code_info(code).http_status, message);
}

namespace {

net::ServerResponse later_response(Face face, const RetryLater& error) {
  const int status = code_info(error.code()).http_status;
  // There is no use in asking again before a budget begins anew: clients of OpenAI and Anthropic read the header.
  const bool spent = dynamic_cast<const ledger::OverBudget*>(&error);
  const chat::ErrorFacts facts{.reason = spent ? Reason::kQuota : Reason::kUnsaid};
  auto response = json_response(status, error_body(face, status, error.what(), facts));
  if (error.wait().count() > 0) response.headers.emplace_back("Retry-After", std::to_string(error.wait().count()));
  if (spent) response.headers.emplace_back("X-Should-Retry", "false");
  return response;
}

void answer_error(RouteCall& call, Face face, const std::exception& error) {
  const auto* ours = dynamic_cast<const Error*>(&error);
  const CodeInfo& info = code_info(ours ? ours->code() : Code::kInternal);
  call.record->fail(info.name, info.http_status >= 500);
  if (info.http_status >= 500) log_warn("{} {}: {}", call.request.method, call.record->route(), error.what());
  if (const auto* later = dynamic_cast<const RetryLater*>(&error))
    return call.exchange->send(later_response(face, *later));
  if (ours) return call.exchange->send(error_response(face, info.http_status, ours->what(), chat::facts_of(*ours)));
  call.exchange->send(error_response(face, Code::kInternal, "something went wrong here; the server's log says what"));
}

}  // namespace

void run_route(const Route& route, RouteCall& call) {
  try {
    route.handler()(call);
  } catch (const std::exception& error) {
    answer_error(call, route.face(), error);
  }
  call.exchange = nullptr;  // whoever still has something to say holds it
}

}  // namespace shenbi::server
