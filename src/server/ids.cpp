#include "server/ids.h"

#include <openssl/rand.h>

#include <string_view>

#include "base/error.h"

namespace shenbi::server {

std::string random_text(size_t length) {
  static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string out;
  while (out.size() < length) {
    unsigned char bytes[64];
    if (RAND_bytes(bytes, sizeof bytes) != 1) throw Error(Code::kInternal, "no random bytes from the system");
    for (const unsigned char byte : bytes) {
      if (byte < 248 && out.size() < length) out += kLetters[byte % 62];  // 248 = 4 * 62
    }
  }
  return out;
}

std::string new_id() { return random_text(16); }

}  // namespace shenbi::server
