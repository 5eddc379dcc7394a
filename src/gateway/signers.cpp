#include "gateway/signers.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <locale.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <span>

#include "base/error.h"
#include "net/sha256.h"

namespace shenbi::gateway {

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  SHENBI_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, text.size(), digest.data(), &size));
  return {reinterpret_cast<const char*>(digest.data()), size};
}

std::string sha256_hex(std::string_view text) {
  net::Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  return hash.finish();
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

namespace {

constexpr std::string_view kLettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

std::string base64_of(std::string_view bytes, char letter_62, char letter_63) {
  const auto letter = [&](uint32_t six) {
    return six < 62 ? kLettersAndDigits[six] : six == 62 ? letter_62 : letter_63;
  };
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (size_t k = 0; k <= count; ++k) out += letter(group >> (18 - 6 * k) & 63);
  }
  return out;
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string out = base64_of(bytes, '+', '/');
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

std::string base64url(std::string_view bytes) { return base64_of(bytes, '-', '_'); }

KeyHalves halves_of(const std::string& key, std::string_view form) {
  const size_t colon = key.find(':');
  if (colon == 0 || colon == std::string::npos || colon + 1 == key.size())
    throw Error(Code::kUpstream, fmt::format("the key is not of the form {}, so it cannot sign", form));
  return {key.substr(0, colon), key.substr(colon + 1)};
}

SignedUrl signed_url(const std::string& url) {
  const size_t host = url.find("://") + 3, path = std::min(url.find_first_of("/?", host), url.size());
  const size_t query = std::min(url.find('?', path), url.size());
  return {url.substr(host, path - host), path == query ? "/" : url.substr(path, query - path),
          url.substr(std::min(query + 1, url.size()))};
}

std::string origin_of(const std::string& url) { return url.substr(0, url.find('/', url.find("://") + 3)); }

std::string query_encoded(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    if (std::isalnum(c) || std::string_view("-_.~").find(static_cast<char>(c)) != std::string_view::npos) {
      out += static_cast<char>(c);
    } else {
      out += c == ' ' ? "+" : fmt::format("%{:02X}", c);
    }
  }
  return out;
}

std::string utc_text(int64_t now, const char* form) {
  static const locale_t english = ::newlocale(LC_ALL_MASK, "C", nullptr);
  const std::time_t seconds = now;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[64];
  return {text, ::strftime_l(text, sizeof text, form, &utc, english)};
}

std::string header_of(const net::ClientRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace shenbi::gateway
