// Zhipu: header {"alg":"HS256","sign_type":"SIGN","typ":"JWT"}, claims in milliseconds.

#include <fmt/format.h>

#include "base/error.h"
#include "gateway/signers.h"

namespace shenbi::gateway {
namespace {

constexpr int64_t kLifeMs = 210'000;  // what Zhipu's own library gives it

}  // namespace

Authorise zhipu_token() {
  return [](net::ClientRequest& request, const Account& account, int64_t now) {
    const size_t dot = account.key.find('.');
    if (dot == 0 || dot == std::string::npos || dot + 1 == account.key.size())
      throw Error(Code::kUpstream, "the key is not of the form ID.SECRET, so it cannot sign");
    const std::string id = account.key.substr(0, dot);
    if (id.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != std::string::npos)
      throw Error(Code::kUpstream, "the key's first half holds more than letters and digits");
    const std::string claims =
        fmt::format(R"({{"api_key":"{}","exp":{},"timestamp":{}}})", id, now * 1000 + kLifeMs, now * 1000);
    const std::string text = base64url(R"({"alg":"HS256","sign_type":"SIGN","typ":"JWT"})") + "." + base64url(claims);
    const std::string token = text + "." + base64url(hmac_sha256(account.key.substr(dot + 1), text));
    request.headers.emplace_back("Authorization", "Bearer " + token);
  };
}

}  // namespace shenbi::gateway
