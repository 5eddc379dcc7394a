// ByteDance Volcengine: AWS's scheme with other words. Content type, host, time and the body's digest are signed; the
// parameters of the query in the order of their names.

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "gateway/signers.h"

namespace shenbi::gateway {
namespace {

// "Action=A&Version=V", sorted; percent-encoding is the URL's already.
std::string sorted_query(std::string_view query) {
  std::vector<std::string_view> parts;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    parts.push_back(query.substr(0, end));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [](auto a, auto b) { return a.substr(0, a.find('=')) < b.substr(0, b.find('=')); });
  return fmt::format("{}", fmt::join(parts, "&"));
}

}  // namespace

Authorise volc_signature(std::string service, std::string region) {
  return [service = std::move(service), region = std::move(region)](net::ClientRequest& request, const Account& account,
                                                                    int64_t now) {
    const auto [id, secret] = halves_of(account.key, "ACCESS_KEY:SECRET_KEY");
    const SignedUrl address = signed_url(request.url);
    const std::string time = utc_text(now, "%Y%m%dT%H%M%SZ"), day = time.substr(0, 8);
    const std::string digest = sha256_hex(request.body), type = header_of(request, "Content-Type");
    const std::string names = std::string(type.empty() ? "" : "content-type;") + "host;x-content-sha256;x-date";
    const std::string canonical =
        fmt::format("{}\n{}\n{}\n{}host:{}\nx-content-sha256:{}\nx-date:{}\n\n{}\n{}", request.method, address.path,
                    sorted_query(address.query), type.empty() ? "" : "content-type:" + type + "\n", address.host,
                    digest, time, names, digest);
    const std::string scope = fmt::format("{}/{}/{}/request", day, region, service);
    const std::string text = fmt::format("HMAC-SHA256\n{}\n{}\n{}", time, scope, sha256_hex(canonical));
    std::string key = hmac_sha256(secret, day);
    for (const std::string& part : {region, service, std::string("request")}) key = hmac_sha256(key, part);
    request.headers.emplace_back("X-Date", time);
    request.headers.emplace_back("X-Content-Sha256", digest);
    request.headers.emplace_back(
        "Authorization", fmt::format("HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}", id, scope, names,
                                     hex(hmac_sha256(key, text))));
  };
}

}  // namespace shenbi::gateway
