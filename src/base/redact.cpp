#include "base/redact.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
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

constexpr bool is_word_letter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

// What a key may begin with, by its first letter: bit i for kFields[i], behind them one for each of kShapes. Most
// letters of a text begin none, and are passed over by one look.
constexpr uint32_t kFieldBits = (uint32_t{1} << kFields.size()) - 1;
static_assert(kFields.size() + kShapes.size() <= 32);
constexpr auto kByFirstLetter = [] {
  std::array<uint32_t, 256> table{};
  for (size_t i = 0; i < kFields.size(); ++i) table[static_cast<unsigned char>(kFields[i][0])] |= uint32_t{1} << i;
  for (size_t i = 0; i < kShapes.size(); ++i)
    table[static_cast<unsigned char>(kShapes[i].begin[0])] |= uint32_t{1} << (kFields.size() + i);
  return table;
}();

class KeyFinder {
 public:
  explicit KeyFinder(std::string_view text) : text_(text) {}

  // The next one at or behind `at`; `begin` is text.size() if there is none. What tells its kind is no part of it.
  KeySpan next(size_t at) {
    for (; at < text_.size(); ++at) {
      uint32_t candidates = kByFirstLetter[static_cast<unsigned char>(text_[at])];
      if (candidates == 0) continue;
      if (at > 0 && is_word_letter(text_[at - 1])) candidates &= kFieldBits;  // a key is no part of a word
      for (; candidates != 0; candidates &= candidates - 1) {
        const auto found = key_at(at, static_cast<size_t>(std::countr_zero(candidates)));
        if (found.end > 0) return found;
      }
    }
    return {text_.size(), text_.size()};
  }

 private:
  KeySpan key_at(size_t at, size_t candidate) {
    const bool field = candidate < kFields.size();
    const std::string_view begin = field ? kFields[candidate] : kShapes[candidate - kFields.size()].begin;
    if (!text_.substr(at).starts_with(begin)) return {};
    at += begin.size();
    if (field && at < text_.size() && text_[at] == '"') ++at;
    const size_t count = key_letters(at);
    return count >= (field ? 4 : kShapes[candidate - kFields.size()].least) ? KeySpan{at, at + count} : KeySpan{};
  }

  // How many characters a key at `at` could have; 0 for a word: keys hold digits. A run of such characters is walked
  // through once, however many beginnings stand in it.
  size_t key_letters(size_t at) {
    if (at < run_begin_ || at >= run_end_) {
      run_begin_ = run_end_ = digit_end_ = at;
      for (; run_end_ < text_.size() && is_key_letter(text_[run_end_]); ++run_end_) {
        if (text_[run_end_] >= '0' && text_[run_end_] <= '9') digit_end_ = run_end_ + 1;
      }
    }
    return digit_end_ > at ? run_end_ - at : 0;
  }

  const std::string_view text_;
  size_t run_begin_ = 0, run_end_ = 0, digit_end_ = 0;  // of the latest run, the last for its last digit
};

std::string without_shapes(std::string_view text) {
  std::string out;
  KeyFinder keys(text);
  size_t said = 0;
  for (KeySpan key = keys.next(0); key.begin < text.size(); key = keys.next(key.end)) {
    out.append(text.substr(said, key.begin - said)).append("****");
    said = key.end;
  }
  return out.append(text.substr(said));
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

std::vector<KeySpan> find_keys(std::string_view text) {
  std::vector<KeySpan> all;
  KeyFinder keys(text);
  for (KeySpan key = keys.next(0); key.begin < text.size(); key = keys.next(key.end)) all.push_back(key);
  return all;
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
