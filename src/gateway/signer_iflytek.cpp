// iFlytek: the address of a WebSocket, with the proof in its query. Signed are the host, the date and the request line,
// so an address is good for its path and some minutes.

#include <fmt/format.h>

#include "gateway/signers.h"

namespace shenbi::gateway {
Authorise iflytek_address() {
  return [](net::ClientRequest& request, const Account& account, int64_t now) {
    const auto [id, secret] = halves_of(account.key, "API_KEY:API_SECRET");
    const SignedUrl address = signed_url(request.url);
    const std::string date = utc_text(now, "%a, %d %b %Y %H:%M:%S GMT");
    const std::string text = fmt::format("host: {}\ndate: {}\nGET {} HTTP/1.1", address.host, date, address.path);
    const std::string proof =
        fmt::format(R"(api_key="{}", algorithm="hmac-sha256", headers="host date request-line", signature="{}")", id,
                    base64(hmac_sha256(secret, text)));
    request.url += fmt::format("?host={}&date={}&authorization={}", query_encoded(address.host), query_encoded(date),
                               query_encoded(base64(proof)));
  };
}

}  // namespace shenbi::gateway
