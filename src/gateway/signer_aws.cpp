// AWS Signature Version 4: the canonical request's digest, signed with a key made of the secret, the day, the region
// and the service. Content type, host and time are signed.

#include <fmt/format.h>

#include "gateway/signers.h"

namespace shenbi::gateway {

Authorise aws_signature(std::string service) {
  return [service = std::move(service)](net::ClientRequest& request, const Account& account, int64_t now) {
    const auto [id, secret] = halves_of(account.key, "ACCESS_KEY_ID:SECRET_ACCESS_KEY");
    const std::string& region = account.settings.at("region");
    const SignedUrl address = signed_url(request.url);
    const std::string time = utc_text(now, "%Y%m%dT%H%M%SZ"), day = time.substr(0, 8);
    const std::string type = header_of(request, "Content-Type");
    const std::string names = type.empty() ? "host;x-amz-date" : "content-type;host;x-amz-date";
    const std::string canonical = fmt::format(
        "{}\n{}\n{}\n{}host:{}\nx-amz-date:{}\n\n{}\n{}", request.method, address.path, address.query,
        type.empty() ? "" : "content-type:" + type + "\n", address.host, time, names, sha256_hex(request.body));
    const std::string scope = fmt::format("{}/{}/{}/aws4_request", day, region, service);
    const std::string text = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, scope, sha256_hex(canonical));
    std::string key = hmac_sha256("AWS4" + secret, day);
    for (const std::string& part : {region, service, std::string("aws4_request")}) key = hmac_sha256(key, part);
    request.headers.emplace_back("X-Amz-Date", time);
    request.headers.emplace_back(
        "Authorization", fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}", id, scope,
                                     names, hex(hmac_sha256(key, text))));
  };
}

}  // namespace shenbi::gateway
