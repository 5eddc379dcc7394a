#include "gateway/signatures.h"

#include <algorithm>

namespace shenbi::gateway {
namespace {

constexpr std::string_view kMark = "shenbi";
constexpr size_t kMarkSize = 16;  // a multiple of four: base64 with it in front is base64
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// FNV-1a: stays the same over restarts and versions.
uint64_t hash_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
  return hash;
}

std::string mark_of(std::string_view maker) {
  std::string mark(kMark);
  for (uint64_t hash = hash_of(maker); mark.size() < kMarkSize; hash >>= 6) mark += kLetters[hash & 63];
  return mark;
}

// Where the mark stands: in front, or behind the id that the Responses API puts there ("rs_ID|...").
size_t mark_at(std::string_view signature) {
  if (signature.starts_with(kMark)) return 0;
  const size_t bar = signature.find('|');
  const bool behind = bar != signature.npos && signature.substr(bar + 1).starts_with(kMark);
  return behind ? bar + 1 : signature.npos;
}

template <class Do>
void each_thinking(chat::ChatRequest& request, Do act) {
  for (chat::Message& message : request.messages) {
    for (chat::Part& part : message.parts) {
      if (part.kind == chat::Part::Kind::kThinking && !part.signature.empty()) act(part);
    }
  }
}

}  // namespace

std::string maker_of(const Upstream& upstream, std::string_view model) {
  const size_t slash = model.find('/');
  return upstream.house + ' ' + upstream.base_url + ' ' +
         std::string(slash == model.npos ? "" : model.substr(0, slash));
}

std::string marked(std::string_view maker, std::string_view signature) {
  return mark_of(maker) + std::string(signature);
}

bool has_mark(std::string_view text) { return text.find(kMark) != text.npos; }

void keep_own_signatures(chat::ChatRequest& request, std::string_view maker) {
  const std::string own = mark_of(maker);
  each_thinking(request, [&](chat::Part& part) {
    const size_t at = mark_at(part.signature);
    const bool is_own = at != std::string::npos && part.signature.compare(at, kMarkSize, own) == 0;
    part.signature = is_own ? part.signature.substr(at + kMarkSize) : "";
  });
  for (chat::Message& message : request.messages) {
    std::erase_if(message.parts, [](const chat::Part& part) {
      const bool hidden = part.name == "redacted" || part.text.empty();
      return part.kind == chat::Part::Kind::kThinking && part.signature.empty() && hidden;
    });
  }
}

void claim_signatures(chat::ChatRequest& request, std::string_view maker, const SignatureBook& book) {
  each_thinking(request, [&](chat::Part& part) {
    if (mark_at(part.signature) != std::string::npos || book.foreign(part.signature, maker)) return;
    part.signature = marked(maker, part.signature);
  });
}

void SignatureBook::note(std::string_view signature, std::string_view maker) {
  const uint64_t key = hash_of(signature);
  std::lock_guard lock(mutex_);
  if (!makers_.insert_or_assign(key, hash_of(maker)).second) return;
  order_.push_back(key);
  if (order_.size() <= kMost) return;
  makers_.erase(order_.front());
  order_.pop_front();
}

bool SignatureBook::foreign(std::string_view signature, std::string_view maker) const {
  std::lock_guard lock(mutex_);
  const auto found = makers_.find(hash_of(signature));
  return found != makers_.end() && found->second != hash_of(maker);
}

bool SignatureBook::any_foreign(const chat::ChatRequest& request, std::string_view maker) const {
  return std::any_of(request.messages.begin(), request.messages.end(), [&](const chat::Message& message) {
    return std::any_of(message.parts.begin(), message.parts.end(), [&](const chat::Part& part) {
      return part.kind == chat::Part::Kind::kThinking && foreign(part.signature, maker);
    });
  });
}

}  // namespace shenbi::gateway
