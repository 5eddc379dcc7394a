#pragma once
// How accounts prove themselves where a key is not sent but signs. Pure functions of the request, the account and the
// clock; tests/golden/gateway/signatures.json holds what the houses' own libraries make of the same
// (tools/make_signatures.py).

#include <string>
#include <string_view>

#include "gateway/house.h"

namespace shenbi::gateway {

/// AWS Signature Version 4 for `service`. The account's key is "ACCESS_KEY_ID:SECRET_ACCESS_KEY", its setting "region"
/// names the region.
Authorise aws_signature(std::string service);

/// Tencent Cloud's TC3-HMAC-SHA256 for `service`. The key is "SECRET_ID:SECRET_KEY"; a setting "region" is named if it
/// is there.
Authorise tc3_signature(std::string service);

/// ByteDance Volcengine's signature for `service` in `region`. The key is "ACCESS_KEY:SECRET_KEY".
Authorise volc_signature(std::string service, std::string region);

/// iFlytek's signed address: host, date and request line, proved in the query. The key is "API_KEY:API_SECRET".
Authorise iflytek_address();

/// Zhipu's token: a JWT of three and a half minutes, signed by the second half of a key "ID.SECRET".
Authorise zhipu_token();

// --- what they are made of ---

/// A key of two halves. Throws Error{kUpstream} naming `form` ("ID:SECRET"), never the key.
struct KeyHalves {
  std::string id, secret;
};
KeyHalves halves_of(const std::string& key, std::string_view form);

/// The parts of a URL as they are signed: the path is "/" where there is none.
struct SignedUrl {
  std::string host, path, query;
};
SignedUrl signed_url(const std::string& url);

/// "https://host:port"
std::string origin_of(const std::string& url);
/// As a field of a form: a blank becomes '+'.
std::string query_encoded(std::string_view text);

/// strftime() of a moment in UTC; in English whatever the locale.
std::string utc_text(int64_t now, const char* form);

/// The value of a header of the request, "" if it has none.
std::string header_of(const net::ClientRequest& request, std::string_view name);

std::string hmac_sha256(std::string_view key, std::string_view text);  ///< 32 bytes
std::string sha256_hex(std::string_view text);
std::string hex(std::string_view bytes);
std::string base64(std::string_view bytes);     ///< with padding
std::string base64url(std::string_view bytes);  ///< without padding (RFC 4648, section 5)

}  // namespace shenbi::gateway
