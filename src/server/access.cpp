#include "server/access.h"

#include <algorithm>
#include <charconv>

namespace shenbi::server {
namespace {

// "[::1]:8080" -> "::1", "localhost:80" -> "localhost".
std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.rfind(':') == std::string_view::npos ? host.size() : host.rfind(':'));
}

bool is_number_address(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return std::isxdigit(static_cast<unsigned char>(c)) || c == '.' || c == ':';
  }) && (host.find(':') != std::string_view::npos || std::isdigit(static_cast<unsigned char>(host.back())));
}

net::ServerResponse forbidden(Face face, std::string_view message) { return error_response(face, 403, message); }

constexpr uint64_t kSmallBody = 1u << 20;

bool has_small_body(const net::ServerRequest& request) {
  if (!request.header("transfer-encoding").empty()) return false;
  const std::string_view text = request.header("content-length");
  uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  return text.empty() || (error == std::errc() && bytes <= kSmallBody);
}

}  // namespace

bool is_loopback(std::string_view host) noexcept {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string key_of(const net::ServerRequest& request) {
  const auto authorization = request.header("authorization");
  if (authorization.starts_with("Bearer ")) return std::string(authorization.substr(7));
  for (const char* name : {"x-api-key", "api-key", "x-goog-api-key"}) {
    if (const auto key = request.header(name); !key.empty()) return std::string(key);
  }
  return request.parameter("key").value_or("");
}

bool Access::known_host(const net::ServerRequest& request) const {
  // A name that resolves to this machine is how a page of somebody else reaches it (DNS rebinding); numbers cannot be
  // rebound.
  const auto host = without_port(request.header("host"));
  if (host.empty() || host == "localhost" || host == state_.options.host || is_number_address(host)) return true;
  const auto& names = state_.options.allowed_hosts;
  return std::find(names.begin(), names.end(), host) != names.end();
}

bool Access::allowed_origin(std::string_view origin) const {
  const auto& origins = state_.options.allowed_origins;
  return std::any_of(origins.begin(), origins.end(), [&](const std::string& o) { return o == "*" || o == origin; });
}

bool Access::foreign(const net::ServerRequest& request) const {
  const auto origin = request.header("origin");
  if (origin.empty()) return request.header("sec-fetch-site") == "cross-site";
  const size_t scheme = origin.find("://");
  const bool own = scheme != std::string_view::npos && origin.substr(scheme + 3) == request.header("host");
  return !own && !allowed_origin(origin);
}

std::optional<net::ServerResponse> Access::refuse(const net::ServerRequest& request, const Router::Found& found) const {
  const Face face = found.route ? found.route->face() : face_of_path(request.path);
  if (!known_host(request) && !state_.keys.required()) {
    return forbidden(face, "this name is not one of this server's; start it with --allow-host NAME");
  }
  if (request.method == "OPTIONS" && !found.route) {
    if (!found.allowed.empty() && allowed_origin(request.header("origin"))) return std::nullopt;
    return forbidden(face, "this web page may not call this server; start it with --allow-origin");
  }
  if (!found.route) {
    if (found.allowed.empty()) return error_response(face, Code::kNotFound, "no such path: " + request.path);
    auto response =
        error_response(face, 405, "method " + request.method + " is not for this path, only " + found.allowed);
    response.headers.emplace_back("Allow", found.allowed);
    return response;
  }
  const bool changes = request.method != "GET" && request.method != "HEAD";
  if (changes && foreign(request)) {
    return forbidden(face, "this web page may not call this server; start it with --allow-origin");
  }
  if (!found.route->scope()) return std::nullopt;
  if (!state_.database.shared()) return answer_to(state_.keys.check(key_of(request), *found.route->scope()), face);
  // A key that was made elsewhere a moment ago may not be known here; it gets no room for a large body before it is.
  const auto decision = state_.keys.check_known(key_of(request), *found.route->scope());
  if (decision.unknown && has_small_body(request)) return std::nullopt;
  return answer_to(decision, face);
}

std::optional<net::ServerResponse> Access::check_key(const net::ServerRequest& request, const Route& route) const {
  if (!state_.database.shared() || !route.scope()) return std::nullopt;
  try {
    return answer_to(state_.keys.check(key_of(request), *route.scope()), route.face());
  } catch (const Error& error) {
    return error_response(route.face(), error.code(), error.what());
  }
}

std::optional<net::ServerResponse> Access::answer_to(const Keys::Decision& decision, Face face) {
  if (decision.caller) return std::nullopt;
  return decision.forbidden ? forbidden(face, decision.message) : error_response(face, decision.code, decision.message);
}

Caller Access::caller(const net::ServerRequest& request) const { return state_.keys.identify(key_of(request)); }

net::Headers Access::cors_headers(const net::ServerRequest& request) const {
  const auto origin = request.header("origin");
  if (origin.empty() || !allowed_origin(origin)) return {};
  return {{"Access-Control-Allow-Origin", std::string(origin)},
          {"Vary", "Origin"},
          {"Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE"},
          {"Access-Control-Allow-Headers",
           "Authorization, Content-Type, X-Api-Key, Anthropic-Version, Anthropic-Beta, X-Request-Id"},
          {"Access-Control-Expose-Headers",
           "X-Request-Id, Retry-After, Age, X-Shenbi-Model, X-Shenbi-Route, X-Shenbi-Cache"},
          {"Access-Control-Max-Age", "600"}};
}

}  // namespace shenbi::server
