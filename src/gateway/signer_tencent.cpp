// Tencent Cloud: TC3-HMAC-SHA256. Content type and host are signed besides the body, as Tencent's own library does; the
// key is made of the secret, the day (UTC) and the service.

#include <fmt/format.h>

#include "gateway/signers.h"

namespace shenbi::gateway {

Authorise tc3_signature(std::string service) {
  return [service = std::move(service)](net::ClientRequest& request, const Account& account, int64_t now) {
    const auto [id, secret] = halves_of(account.key, "SECRET_ID:SECRET_KEY");
    const SignedUrl address = signed_url(request.url);
    const std::string day = utc_text(now, "%Y-%m-%d");
    const std::string canonical =
        fmt::format("{}\n{}\n{}\ncontent-type:{}\nhost:{}\n\ncontent-type;host\n{}", request.method, address.path,
                    address.query, header_of(request, "Content-Type"), address.host, sha256_hex(request.body));
    const std::string scope = fmt::format("{}/{}/tc3_request", day, service);
    const std::string text = fmt::format("TC3-HMAC-SHA256\n{}\n{}\n{}", now, scope, sha256_hex(canonical));
    std::string key = hmac_sha256("TC3" + secret, day);
    for (const std::string& part : {service, std::string("tc3_request")}) key = hmac_sha256(key, part);
    request.headers.emplace_back("X-TC-Timestamp", std::to_string(now));
    if (const auto region = account.settings.find("region"); region != account.settings.end())
      request.headers.emplace_back("X-TC-Region", region->second);
    request.headers.emplace_back(
        "Authorization", fmt::format("TC3-HMAC-SHA256 Credential={}/{}, SignedHeaders=content-type;host, Signature={}",
                                     id, scope, hex(hmac_sha256(key, text))));
  };
}

}  // namespace shenbi::gateway
