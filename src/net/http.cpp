#include "net/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>

#include "base/error.h"
#include "net/address.h"

namespace shenbi::net {
namespace {

constexpr int kMaxRedirects = 5;
constexpr size_t kMaxHeaderBytes = 64 << 10;

struct UrlParts {
  std::string scheme, host, port;
};

UrlParts split_url(const std::string& url) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> handle(curl_url(), curl_url_cleanup);
  const auto part = [&](CURLUPart which) -> std::string {
    char* text = nullptr;
    if (curl_url_get(handle.get(), which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
    std::string out = text;
    curl_free(text);
    return out;
  };
  if (!handle || curl_url_set(handle.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    throw Error(Code::kInvalidArgument, fmt::format("'{}' is not a URL", url));
  }
  UrlParts parts{part(CURLUPART_SCHEME), part(CURLUPART_HOST), part(CURLUPART_PORT)};
  if (parts.scheme != "http" && parts.scheme != "https") {
    throw Error(Code::kInvalidArgument, fmt::format("'{}': only http and https addresses are fetched", url));
  }
  return parts;
}

// One hop. Everything curl calls back needs, in one place.
struct Transfer {
  const Options& options;
  const std::function<bool(std::span<const std::byte>)>* sink = nullptr;
  int sink_status = 200;  // the status whose body goes to the sink
  const std::string_view* posted = nullptr;
  bool private_allowed = true;
  bool connected_private = false, refused_private = false, too_large = false, sink_stopped = false;
  std::exception_ptr failure;  // carried around curl, whose frames no exception may cross
  Response response;
  size_t header_bytes = 0;
  uint64_t received = 0;

  size_t on_header(std::string_view line) {
    header_bytes += line.size();
    if (header_bytes > kMaxHeaderBytes) {
      too_large = true;
      return 0;
    }
    if (line.starts_with("HTTP/")) {  // a new status line (100 Continue, proxies): what came before does not count
      response.headers.clear();
      const size_t space = line.find(' ');
      response.status = space == std::string_view::npos ? 0 : std::atoi(std::string(line.substr(space + 1)).c_str());
      return line.size();
    }
    if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
      std::string name(line.substr(0, colon));
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      std::string_view value = line.substr(colon + 1);
      while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front()))) value.remove_prefix(1);
      while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back()))) value.remove_suffix(1);
      response.headers[name] = std::string(value);
    }
    return line.size();
  }

  size_t on_body(std::span<const std::byte> bytes) noexcept {
    try {
      return take_body(bytes);
    } catch (...) {
      failure = std::current_exception();
      return 0;
    }
  }

  size_t take_body(std::span<const std::byte> bytes) {
    const bool first = received == 0;
    received += bytes.size();
    if (received > options.max_bytes) {
      too_large = true;
      return 0;
    }
    if (sink) {
      if (response.status == sink_status) {
        if (first && options.on_head) options.on_head(response);
        sink_stopped = !(*sink)(bytes);
        return sink_stopped ? 0 : bytes.size();
      }
      if (response.status == 200) {  // the whole file instead of the range
        sink_stopped = true;
        return 0;
      }
    }
    response.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return bytes.size();
  }

  curl_socket_t on_open(const curl_sockaddr& address) {
    // The address that is really connected to, after every name look-up: what is checked is what is used.
    connected_private = is_private_address(address.addr);
    if (connected_private && !private_allowed) {
      refused_private = true;
      return CURL_SOCKET_BAD;
    }
    return ::socket(address.family, address.socktype | SOCK_CLOEXEC, address.protocol);
  }
};

extern "C" {
size_t header_callback(char* data, size_t size, size_t count, void* self) {
  return static_cast<Transfer*>(self)->on_header({data, size * count});
}
size_t body_callback(char* data, size_t size, size_t count, void* self) {
  return static_cast<Transfer*>(self)->on_body(std::as_bytes(std::span(data, size * count)));
}
curl_socket_t open_callback(void* self, curlsocktype, curl_sockaddr* address) {
  return static_cast<Transfer*>(self)->on_open(*address);
}
int progress_callback(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* cancelled = static_cast<Transfer*>(self)->options.cancelled;
  return cancelled && cancelled->load() ? 1 : 0;
}
}

void perform(const std::string& url, const std::vector<std::string>& headers, const std::string& range,
             Transfer& transfer) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  SHENBI_CHECK(started == CURLE_OK);
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  SHENBI_CHECK(curl);
  curl_slist* list = nullptr;
  for (const std::string& header : headers) list = curl_slist_append(list, header.c_str());
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> owner(list, curl_slist_free_all);
  char message[CURL_ERROR_SIZE] = "";
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(curl.get(), option, value); };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_HTTPHEADER, list);
  set(CURLOPT_USERAGENT, "shenbi");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, message);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(transfer.options.connect_timeout_s * 1000));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(transfer.options.total_timeout_s * 1000));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(std::max(1.0, transfer.options.stall_timeout_s)));
  set(CURLOPT_HEADERFUNCTION, header_callback);
  set(CURLOPT_HEADERDATA, &transfer);
  set(CURLOPT_WRITEFUNCTION, body_callback);
  set(CURLOPT_WRITEDATA, &transfer);
  set(CURLOPT_OPENSOCKETFUNCTION, open_callback);
  set(CURLOPT_OPENSOCKETDATA, &transfer);
  set(CURLOPT_XFERINFOFUNCTION, progress_callback);
  set(CURLOPT_XFERINFODATA, &transfer);
  set(CURLOPT_NOPROGRESS, 0L);
  if (transfer.posted) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(transfer.posted->size()));
    set(CURLOPT_POSTFIELDS, transfer.posted->data());
  }
  if (!range.empty())
    set(CURLOPT_RANGE, range.c_str());
  else
    set(CURLOPT_ACCEPT_ENCODING, transfer.sink ? nullptr : "");
  const CURLcode code = curl_easy_perform(curl.get());
  if (transfer.failure) std::rethrow_exception(transfer.failure);
  if (code == CURLE_OK || transfer.sink_stopped) return;
  const std::string host = split_url(url).host;
  if (code == CURLE_ABORTED_BY_CALLBACK) throw Error(Code::kCancelled, "interrupted");
  if (transfer.refused_private) {
    throw Error(Code::kUpstream, fmt::format("{}: a redirect leads to a private address, which is not allowed", host));
  }
  if (transfer.too_large) {
    throw Error(Code::kUpstream, fmt::format("{}: the answer is longer than {} bytes, or its headers than {}", host,
                                             transfer.options.max_bytes, kMaxHeaderBytes));
  }
  throw Error(Code::kUpstream, fmt::format("{}: {}", host, *message ? message : curl_easy_strerror(code)));
}

bool is_secret(std::string_view header) {
  const auto begins = [&](std::string_view name) {
    return header.size() > name.size() && ::strncasecmp(header.data(), name.data(), name.size()) == 0;
  };
  return begins("authorization:") || begins("cookie:") || begins("x-api-key:");
}

std::string resolve_location(const std::string& base, const std::string& location) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> handle(curl_url(), curl_url_cleanup);
  char* text = nullptr;
  if (curl_url_set(handle.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK ||
      curl_url_set(handle.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK ||
      curl_url_get(handle.get(), CURLUPART_URL, &text, 0) != CURLUE_OK) {
    throw Error(Code::kUpstream, fmt::format("{}: redirect to '{}', which is not a URL", base, location));
  }
  std::string out = text;
  curl_free(text);
  return out;
}

Response follow(std::string url, const Options& options, const std::string& range, int sink_status,
                const std::function<bool(std::span<const std::byte>)>* sink) {
  std::vector<std::string> headers = options.headers;
  bool private_allowed = true;  // the first address is the one the user configured
  for (int hop = 0;; ++hop) {
    const UrlParts parts = split_url(url);
    Transfer transfer{.options = options, .sink = sink, .sink_status = sink_status, .private_allowed = private_allowed};
    perform(url, headers, range, transfer);
    const int status = transfer.response.status;
    const bool redirect = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    const auto location = transfer.response.headers.find("location");
    if (!redirect || location == transfer.response.headers.end()) {
      transfer.response.final_url = url;
      return std::move(transfer.response);
    }
    if (hop == kMaxRedirects)
      throw Error(Code::kUpstream, fmt::format("{}: more than {} redirects", parts.host, kMaxRedirects));
    url = resolve_location(url, location->second);
    if (!url.starts_with("http://") && !url.starts_with("https://")) {
      throw Error(Code::kUpstream,
                  fmt::format("{}: redirect to '{}', which is neither http nor https", parts.host, url));
    }
    const UrlParts next = split_url(url);
    if (parts.scheme == "https" && next.scheme == "http") {
      throw Error(Code::kUpstream, fmt::format("{}: a redirect leads from https to http ({})", parts.host, next.host));
    }
    if (next.host != parts.host || next.port != parts.port) std::erase_if(headers, is_secret);
    private_allowed = private_allowed && transfer.connected_private;
  }
}

}  // namespace

Code error_code(int status) noexcept {
  switch (status) {
    case 401:
    case 403:
      return Code::kUnauthorized;
    case 404:
    case 410:
      return Code::kNotFound;
    case 429:
      return Code::kRateLimited;
    default:
      return Code::kUpstream;
  }
}

Response get(const std::string& url, const Options& options) { return follow(url, options, "", 200, nullptr); }

Response post(const std::string& url, std::string_view body, const Options& options) {
  split_url(url);
  Transfer transfer{.options = options, .posted = &body};
  perform(url, options.headers, "", transfer);
  transfer.response.final_url = url;
  return std::move(transfer.response);
}

Response get_range(const std::string& url, uint64_t begin, uint64_t end, const Options& options,
                   const std::function<bool(std::span<const std::byte>)>& sink) {
  const std::string range = end > 0 ? fmt::format("{}-{}", begin, end - 1) : fmt::format("{}-", begin);
  return follow(url, options, range, 206, &sink);
}

Response get_stream(const std::string& url, const Options& options,
                    const std::function<bool(std::span<const std::byte>)>& sink) {
  return follow(url, options, "", 200, &sink);
}

std::string decode_path(std::string_view path) {
  std::string out;
  for (size_t at = 0; at < path.size(); ++at) {
    unsigned value = 0;
    const char* end = path.data() + std::min(at + 3, path.size());
    if (path[at] == '%' && end - path.data() == static_cast<ptrdiff_t>(at + 3) &&
        std::from_chars(path.data() + at + 1, end, value, 16).ptr == end) {
      out += static_cast<char>(value);
      at += 2;
    } else {
      out += path[at];
    }
  }
  return out;
}

std::string encode_path(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || std::string_view("-._~/").find(c) != std::string_view::npos)
      out += c;
    else
      out += fmt::format("%{:02X}", byte);
  }
  return out;
}

}  // namespace shenbi::net
