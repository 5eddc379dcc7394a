#include "base/redact.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <set>
#include <shared_mutex>

namespace shenbi {
namespace {

constexpr size_t kShortestSecret = 12;   // no house gives keys of fewer than twenty characters
constexpr size_t kMostSecrets = 10'000;  // of accounts; an installation has a handful

// A kind of key: what it begins with, and how many of its characters must follow for it to be one.
struct Shape {
  std::string_view begin;
  size_t least;
};
constexpr std::array kShapes = {Shape{"sk-", 16},         Shape{"sk_", 16},  Shape{"pk-", 20},     Shape{"xai-", 20},
                                Shape{"gsk_", 20},        Shape{"AKIA", 16}, Shape{"ASIA", 16},    Shape{"AKID", 16},
                                Shape{"AKLT", 16},        Shape{"AIza", 30}, Shape{"ghp_", 20},    Shape{"gho_", 20},
                                Shape{"github_pat_", 20}, Shape{"hf_", 20},  Shape{"r8_", 20},     Shape{"LTAI", 12},
                                Shape{"bce-v3/", 20},     Shape{"eyJ", 20},  Shape{"Bearer ", 12}, Shape{"bearer ", 12},
                                Shape{"Basic ", 12}};
// Parameters of addresses and fields of headers whose values are proofs.
constexpr std::array<std::string_view, 7> kFields = {
    "access_token=", "api_key=", "client_secret=", "Signature=", "signature=", "authorization=", "X-Amz-Signature="};

constexpr bool is_key_letter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("-_.~+/=%").find(c) != std::string_view::npos;
}

// How many characters a key could have; 0 for a word: keys hold digits.
size_t key_letters(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_key_letter);
  const bool digits = std::any_of(text.begin(), end, [](char c) { return c >= '0' && c <= '9'; });
  return digits ? static_cast<size_t>(end - text.begin()) : 0;
}

constexpr bool is_word_letter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

// How much of `text` is a key, and how much of that may stay; 0: it begins with none. A key is no part of a word.
struct Found {
  size_t shown = 0, size = 0;
};
Found key_at(std::string_view text, bool inside_word) {
  for (const std::string_view field : kFields) {
    if (!text.starts_with(field)) continue;
    const size_t quote = text.substr(field.size()).starts_with('"') ? 1 : 0;
    const size_t count = key_letters(text.substr(field.size() + quote));
    if (count >= 4) return {field.size() + quote, field.size() + quote + count};
  }
  if (inside_word) return {};
  for (const Shape& shape : kShapes) {
    if (!text.starts_with(shape.begin)) continue;
    const size_t count = key_letters(text.substr(shape.begin.size()));
    if (count >= shape.least) return {shape.begin.size(), shape.begin.size() + count};
  }
  return {};
}

std::string without_shapes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Found found = key_at(text.substr(at), at > 0 && is_word_letter(text[at - 1]));
    if (found.size == 0) {
      out += text[at++];
      continue;
    }
    out.append(text.substr(at, found.shown)).append("****");
    at += found.size;
  }
  return out;
}

struct Longer {
  bool operator()(const std::string& a, const std::string& b) const {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  }
};

// The longest first, so that no part of one stays when another is hidden in it.
struct Secrets {
  std::shared_mutex mutex;
  std::set<std::string, Longer> known;
};
Secrets& secrets() {
  static Secrets* const all = new Secrets;  // logged to until the very end
  return *all;
}

void keep_one(std::string_view secret) {
  if (secret.size() < kShortestSecret) return;
  const std::string text(secret);
  {
    const std::shared_lock lock(secrets().mutex);
    if (secrets().known.contains(text)) return;
  }
  const std::unique_lock lock(secrets().mutex);
  if (secrets().known.size() < kMostSecrets) secrets().known.insert(text);
}

}  // namespace

void keep_secret(std::string_view secret) {
  keep_one(secret);
  for (size_t at = 0; at < secret.size();) {
    const size_t end = std::min(secret.find(':', at), secret.size());
    keep_one(secret.substr(at, end - at));
    at = end + 1;
  }
}

std::string redacted(std::string_view text) {
  std::string out(text);
  {
    const std::shared_lock lock(secrets().mutex);
    for (const std::string& secret : secrets().known) {
      for (size_t at = 0; (at = out.find(secret, at)) != out.npos; at += 4) out.replace(at, secret.size(), "****");
    }
  }
  return without_shapes(out);
}

}  // namespace shenbi
