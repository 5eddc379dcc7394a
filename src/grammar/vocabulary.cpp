#include "grammar/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/limits.h"

namespace shenbi::grammar {
namespace {

using tokenizers::TokenKind;

// The nodes of tokens sorted by their bytes: each token shares the path of the one before as far as both agree.
void build_nodes(TokenVocabulary::Trie& trie) {
  std::vector<uint32_t> path = {0};
  trie.nodes.push_back({0, 0, 0, 0});
  std::string_view before;
  for (size_t i = 0; i < trie.tokens.size(); ++i) {
    const std::string_view bytes = trie.bytes_of(trie.tokens[i]);
    size_t shared = 0;
    while (shared < std::min(before.size(), bytes.size()) && before[shared] == bytes[shared]) ++shared;
    for (; path.size() > shared + 1; path.pop_back()) {
      trie.nodes[path.back()].end = static_cast<uint32_t>(trie.nodes.size());
    }
    for (size_t k = shared; k < bytes.size(); ++k) {
      path.push_back(static_cast<uint32_t>(trie.nodes.size()));
      trie.nodes.push_back({0, static_cast<uint32_t>(i), static_cast<uint16_t>(k + 1), static_cast<uint8_t>(bytes[k])});
    }
    before = bytes;
  }
  for (const uint32_t node : path) trie.nodes[node].end = static_cast<uint32_t>(trie.nodes.size());
  trie.nodes.push_back({0, static_cast<uint32_t>(trie.tokens.size()), 0, 0});
}

// The bytes by which a grammar knows the token; "" if it never allows it. Tokens that hold the mark's byte fit into no
// text.
std::string spelled(const tokenizers::Tokenizer& tokenizer, int32_t id) {
  const TokenKind kind = tokenizer.token_kind(id);
  if (kind == TokenKind::kUnknown || kind == TokenKind::kUnused) return {};
  std::string bytes = tokenizer.token_bytes(id);
  if (bytes.find(kControlMark) != std::string::npos) return {};
  return kind == TokenKind::kControl && !bytes.empty() ? kControlMark + bytes : bytes;
}

}  // namespace

std::shared_ptr<const TokenVocabulary> TokenVocabulary::make(const tokenizers::Tokenizer& tokenizer, size_t vocab_size,
                                                             std::vector<int32_t> end_tokens) {
  if (vocab_size > limits::kMaxVocabulary) {
    throw Error(Code::kUnsupported, fmt::format("grammar: {} tokens, at most {}", vocab_size, limits::kMaxVocabulary));
  }
  std::erase_if(end_tokens, [&](int32_t id) { return id < 0 || static_cast<size_t>(id) >= vocab_size; });
  auto trie = std::make_shared<Trie>();
  trie->vocab_size = vocab_size;
  trie->offsets.push_back(0);
  for (size_t i = 0; i < vocab_size; ++i) {
    const auto id = static_cast<int32_t>(i);
    const bool ends = std::find(end_tokens.begin(), end_tokens.end(), id) != end_tokens.end();
    const std::string bytes = ends || i >= tokenizer.vocab_size() ? std::string() : spelled(tokenizer, id);
    if (!bytes.empty() && bytes.size() < limits::kMaxTokenBytes) {
      trie->text += bytes;
      trie->tokens.push_back(id);
      if (bytes.front() == kControlMark) trie->control_texts.push_back(bytes.substr(1));
      trie->max_token_bytes = std::max(trie->max_token_bytes, bytes.size());
    }
    if (trie->text.size() >= UINT32_MAX / 2) throw Error(Code::kUnsupported, "grammar: 2 GiB of token text");
    trie->offsets.push_back(static_cast<uint32_t>(trie->text.size()));
  }
  trie->end_tokens = std::move(end_tokens);
  std::stable_sort(trie->tokens.begin(), trie->tokens.end(),
                   [&](int32_t a, int32_t b) { return trie->bytes_of(a) < trie->bytes_of(b); });
  build_nodes(*trie);
  auto vocabulary = std::make_shared<TokenVocabulary>();
  vocabulary->trie_ = std::move(trie);
  return vocabulary;
}

std::span<const std::string> TokenVocabulary::control_texts() const noexcept { return trie_->control_texts; }

std::shared_ptr<const Mask> MaskCache::find(const MaskKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->mask;
}

void MaskCache::insert(const MaskKey& key, std::shared_ptr<const Mask> mask) {
  const std::lock_guard lock(mutex_);
  if (by_key_.contains(key)) return;
  bytes_ += mask->bytes();
  entries_.push_front({key, std::move(mask)});
  by_key_[key] = entries_.begin();
  while (bytes_ > limits::kMaxMaskCacheBytes && entries_.size() > 1) {
    bytes_ -= entries_.back().mask->bytes();
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

uint64_t MaskCache::number_of(const std::string& text) {
  const std::lock_guard lock(mutex_);
  const auto known = texts_.find(text);
  if (known != texts_.end()) return known->second;
  text_bytes_ += text.size() + 64;
  if (text_bytes_ > limits::kMaxMaskCacheBytes / 4) {  // forget all; later grammars find their masks anew
    texts_.clear();
    text_bytes_ = text.size() + 64;
  }
  return texts_[text] = ++next_text_;
}

size_t MaskCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_ + text_bytes_;
}

}  // namespace shenbi::grammar
