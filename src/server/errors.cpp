// How each face tells an error.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/router.h"

namespace shenbi::server {
namespace {

using Json = nlohmann::ordered_json;

// What the OpenAI and Anthropic APIs call a status: clients choose their exception class by status and by this.
std::string_view openai_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    default:
      return status < 500 ? "invalid_request_error" : "server_error";
  }
}

std::string_view anthropic_type(int status) {
  switch (status) {
    case 413:
      return "request_too_large";
    case 503:
      return "overloaded_error";
    default:
      return status < 500 ? openai_type(status) : "api_error";
  }
}

std::string_view google_status(int status) {
  switch (status) {
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 501:
      return "UNIMPLEMENTED";
    case 503:
      return "UNAVAILABLE";
    default:
      return status < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
  }
}

Json error_body(Face face, int status, Code code, const std::string& text, std::string_view parameter) {
  switch (face) {
    case Face::kAnthropic:
      return {{"type", "error"}, {"error", {{"type", anthropic_type(status)}, {"message", text}}}};
    case Face::kOllama:
      return {{"error", text}};
    case Face::kGemini:
      return {{"error", {{"code", status}, {"message", text}, {"status", google_status(status)}}}};
    case Face::kOpenAi:
    case Face::kPage:
      break;
  }
  Json error = {{"message", text}, {"type", openai_type(status)}, {"param", nullptr}, {"code", code_info(code).name}};
  if (!parameter.empty()) error["param"] = std::string(parameter);
  return {{"error", error}};
}

// "temperature: expected a number" names its field in front of the colon.
std::string_view named_field(std::string_view message) {
  const size_t colon = message.find(": ");
  if (colon == std::string_view::npos || colon > 64) return {};
  const auto field = message.substr(0, colon);
  const bool plain = std::all_of(field.begin(), field.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '[' || c == ']';
  });
  return plain ? field : std::string_view();
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

net::ServerResponse error_response(Face face, Code code, std::string_view message, std::string_view parameter) {
  const int status = code_info(code).http_status;
  if (parameter.empty()) parameter = named_field(message);
  const Json body = error_body(face, status, code, std::string(message), parameter);
  auto response = json_response(status, body.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (status == 429 || status == 503) response.headers.emplace_back("Retry-After", "1");
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace shenbi::server
