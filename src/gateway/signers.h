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

/// Zhipu's token: a JWT of three and a half minutes, signed by the second half of a key "ID.SECRET".
Authorise zhipu_token();

// --- what they are made of ---

std::string hmac_sha256(std::string_view key, std::string_view text);  ///< 32 bytes
std::string sha256_hex(std::string_view text);
std::string hex(std::string_view bytes);
std::string base64url(std::string_view bytes);  ///< without padding (RFC 4648, section 5)

}  // namespace shenbi::gateway
