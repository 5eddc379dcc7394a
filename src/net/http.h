#pragma once
// The one door for outgoing HTTP. Proxies come from the environment (http_proxy, https_proxy, no_proxy).
//
//   net::Response r = net::get("https://host/api", {.headers = {"Accept: application/json"}});
//
// Rules that hold for every call: http and https only; certificates are checked; size and time are bounded; redirects
// are followed here, one hop at a time, at most five; a hop to another host loses Authorization and Cookie headers; a
// hop from a public address to a private one (loopback, link-local, RFC 1918 and their IPv6 kin) is refused, and so is
// one from https to http.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace shenbi::net {

struct Response {
  int status = 0;
  std::map<std::string, std::string, std::less<>> headers;  ///< names in lower case, last one wins
  std::string body;
  std::string final_url;
};

struct Options {
  std::vector<std::string> headers;  ///< "Name: value"
  uint64_t max_bytes = 64u << 20;    ///< of the body; more is Error{kUpstream}
  double connect_timeout_s = 20;
  double stall_timeout_s = 30;                   ///< no byte for this long is Error{kUpstream}
  double total_timeout_s = 0;                    ///< of the whole call; 0: none
  const std::atomic<bool>* cancelled = nullptr;  ///< when it turns true: Error{kCancelled}
  /// Sees status and headers before a sink gets its first byte; what it throws ends the call.
  std::function<void(const Response&)> on_head = nullptr;
};

/// Which kind of error an HTTP status of 400 or above is.
Code error_code(int status) noexcept;

/// GET. Any HTTP status is a response, not an error; Error{kUpstream} names the host when there is none.
Response get(const std::string& url, const Options& options = {});

/// POST. A redirect is an answer like any other: what was sent to one address is not sent to another.
Response post(const std::string& url, std::string_view body, const Options& options = {});

/// GET of bytes [begin, end) (end 0: to the end) into `sink`, which returns false to stop; what it throws comes out of
/// here. The response's body stays empty. A server that ignores the range answers with status 200 instead of 206:
/// `sink` is then not called and the caller decides.
Response get_range(const std::string& url, uint64_t begin, uint64_t end, const Options& options,
                   const std::function<bool(std::span<const std::byte>)>& sink);

/// Like get(), but the body goes to `sink` (only for status 200).
Response get_stream(const std::string& url, const Options& options,
                    const std::function<bool(std::span<const std::byte>)>& sink);

/// Percent-encodes everything but unreserved characters and '/'.
std::string encode_path(std::string_view path);
/// Undoes percent-encoding; a '%' without two hexadecimal digits stays.
std::string decode_path(std::string_view path);

}  // namespace shenbi::net
