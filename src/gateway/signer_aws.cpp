// AWS Signature Version 4: the canonical request's digest, signed with a key made of the secret, the day, the region
// and the service. Content type, host and time are signed.

#include <fmt/format.h>

#include <ctime>

#include "base/error.h"
#include "gateway/signers.h"

namespace shenbi::gateway {
namespace {

struct Address {
  std::string host, path, query;
};

Address address_of(const std::string& url) {
  const size_t host = url.find("://") + 3, path = std::min(url.find('/', host), url.size());
  const size_t query = std::min(url.find('?', path), url.size());
  return {url.substr(host, path - host), path == query ? "/" : url.substr(path, query - path),
          url.substr(std::min(query + 1, url.size()))};
}

std::string time_text(int64_t now, const char* form) {
  const std::time_t seconds = now;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, form, &utc)};
}

std::string header(const net::ClientRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

Authorise aws_signature(std::string service) {
  return [service = std::move(service)](net::ClientRequest& request, const Account& account, int64_t now) {
    const size_t colon = account.key.find(':');
    if (colon == 0 || colon == std::string::npos || colon + 1 == account.key.size())
      throw Error(Code::kUpstream, "the key is not of the form ACCESS_KEY_ID:SECRET_ACCESS_KEY, so it cannot sign");
    const std::string& region = account.settings.at("region");
    const Address address = address_of(request.url);
    const std::string time = time_text(now, "%Y%m%dT%H%M%SZ"), day = time.substr(0, 8);
    const std::string type = header(request, "Content-Type");
    const std::string names = type.empty() ? "host;x-amz-date" : "content-type;host;x-amz-date";
    const std::string canonical = fmt::format(
        "{}\n{}\n{}\n{}host:{}\nx-amz-date:{}\n\n{}\n{}", request.method, address.path, address.query,
        type.empty() ? "" : "content-type:" + type + "\n", address.host, time, names, sha256_hex(request.body));
    const std::string scope = fmt::format("{}/{}/{}/aws4_request", day, region, service);
    const std::string text = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, scope, sha256_hex(canonical));
    std::string key = hmac_sha256("AWS4" + account.key.substr(colon + 1), day);
    for (const std::string& part : {region, service, std::string("aws4_request")}) key = hmac_sha256(key, part);
    request.headers.emplace_back("X-Amz-Date", time);
    request.headers.emplace_back("Authorization",
                                 fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                                             account.key.substr(0, colon), scope, names, hex(hmac_sha256(key, text))));
  };
}

}  // namespace shenbi::gateway
