#include "gateway/secrets.h"

#include <algorithm>

namespace shenbi::gateway {

// Shorter ones are words: "none", "secret". No house gives keys of fewer than twenty characters.
constexpr size_t kShortest = 12;

Secrets::Secrets(const std::string& key, const net::Headers& proof) {
  add(key);
  for (size_t at = 0; at < key.size();) {
    const size_t end = std::min(key.find(':', at), key.size());
    add(std::string_view(key).substr(at, end - at));
    at = end + 1;
  }
  for (const auto& [name, value] : proof) add(std::string_view(value).substr(value.rfind(' ') + 1));
  // The longest first, so that no part of one stays when another is hidden in it.
  std::sort(secrets_.begin(), secrets_.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

void Secrets::add(std::string_view secret) {
  if (secret.size() < kShortest || std::find(secrets_.begin(), secrets_.end(), secret) != secrets_.end()) return;
  secrets_.emplace_back(secret);
}

std::string Secrets::hidden(std::string text) const {
  for (const std::string& secret : secrets_) {
    for (size_t at = 0; (at = text.find(secret, at)) != text.npos; at += 4) text.replace(at, secret.size(), "****");
  }
  return text;
}

}  // namespace shenbi::gateway
