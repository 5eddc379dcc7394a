#pragma once
// Who may call what, decided on the head of a request: the route's scope, the key, and where the call comes from. Web
// pages of others must not drive a server on the user's machine, so a foreign Origin and an unknown Host are refused.

#include <optional>
#include <string>
#include <string_view>

#include "server/router.h"
#include "server/state.h"

namespace shenbi::server {

/// A loopback address or "localhost".
bool is_loopback(std::string_view host) noexcept;

/// Where the dialects put a key: Authorization: Bearer, x-api-key, api-key, x-goog-api-key, ?key=.
std::string key_of(const net::ServerRequest& request);

class Access {
 public:
  explicit Access(State& state) : state_(state) {}

  /// The answer that refuses, or nothing. Counts the request against its key. Never waits: where several programs share
  /// the database it goes by what this one knows, and check_key() is asked before anything is done.
  std::optional<net::ServerResponse> refuse(const net::ServerRequest& request, const Router::Found& found) const;
  /// The same of the key alone, by what the shared database says now; nothing where refuse() was the last word.
  std::optional<net::ServerResponse> check_key(const net::ServerRequest& request, const Route& route) const;
  /// Of an admitted request.
  Caller caller(const net::ServerRequest& request) const;
  /// For a page that may call us from elsewhere; empty for others.
  net::Headers cors_headers(const net::ServerRequest& request) const;

 private:
  static std::optional<net::ServerResponse> answer_to(const Keys::Decision& decision, Face face);
  bool known_host(const net::ServerRequest& request) const;
  bool foreign(const net::ServerRequest& request) const;
  bool allowed_origin(std::string_view origin) const;
  State& state_;
};

}  // namespace shenbi::server
