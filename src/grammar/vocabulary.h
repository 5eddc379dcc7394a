#pragma once
// The tokens of a vocabulary as a trie in one array, and the masks found so far.
//
// Nodes lie in the order of a walk (a node, then its subtree), each with the place behind its subtree: a walk is one
// pass over the array that skips what the grammar refuses. Tokens are sorted by their bytes, so the tokens of a subtree
// lie side by side as well.

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "grammar/grammar.h"

namespace shenbi::grammar {

class Automaton;

/// Stands in front of a control token's text, in the trie and in the rules that allow control tokens. No UTF-8 text
/// holds this byte, so all other rules refuse them.
inline constexpr char kControlMark = '\xFF';

struct TrieNode {
  uint32_t end;          ///< first node behind the subtree
  uint32_t first_token;  ///< into TokenVocabulary::Trie::tokens; the next node's is where this node's own end
  uint16_t depth;
  uint8_t byte;
};

/// The tokens that one state allows. Those that go on behind the end of the state's rule are decided by what is below
/// it: `exits` are the trie nodes one byte behind a place where the rule may have ended, by that byte.
struct Mask {
  std::vector<uint64_t> dense;  ///< one bit a token, or
  std::vector<int32_t> sparse;  ///< the few ids
  std::vector<uint32_t> exits;
  std::vector<uint32_t> exit_begins;  ///< 257, or none if there are no exits
  uint32_t depth = 0;                 ///< most rules that were open on the way

  size_t bytes() const noexcept {
    return dense.size() * 8 + (sparse.size() + exits.size() + exit_begins.size()) * 4 + 160;
  }
};

struct MaskKey {
  uint64_t owner;  ///< a rule's text, a program or a machine, told apart by the top bits
  uint32_t state;
  bool operator==(const MaskKey&) const = default;
};

/// Masks by what they are of, least recently used first out, at most limits::kMaxMaskCacheBytes. Thread-safe.
class MaskCache {
 public:
  std::shared_ptr<const Mask> find(const MaskKey& key);
  void insert(const MaskKey& key, std::shared_ptr<const Mask> mask);
  /// A number for a rule's text (Program::text_of): equal texts get equal numbers, as long as they are remembered.
  uint64_t number_of(const std::string& text);
  size_t bytes() const;

 private:
  struct Hash {
    size_t operator()(const MaskKey& key) const noexcept { return (key.owner * 0x9E3779B97F4A7C15) ^ key.state; }
  };
  struct Entry {
    MaskKey key;
    std::shared_ptr<const Mask> mask;
  };
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<MaskKey, std::list<Entry>::iterator, Hash> by_key_;
  size_t bytes_ = 0;
  std::unordered_map<std::string, uint64_t> texts_;
  size_t text_bytes_ = 0;
  uint64_t next_text_ = 0;
};

struct TokenVocabulary::Trie {
  std::vector<TrieNode> nodes;  ///< the root first, and one behind the last
  std::vector<int32_t> tokens;  ///< ids in the order of their bytes
  std::vector<int32_t> end_tokens;
  std::vector<std::string> control_texts;
  size_t vocab_size = 0, max_token_bytes = 0;

  std::string text;  ///< the bytes of all tokens
  std::vector<uint32_t> offsets;
  std::string_view bytes_of(int32_t id) const noexcept {  ///< "" for ids that a grammar never allows
    if (id < 0 || static_cast<size_t>(id) >= vocab_size) return {};
    const auto i = static_cast<size_t>(id);
    return std::string_view(text).substr(offsets[i], offsets[i + 1] - offsets[i]);
  }

  mutable MaskCache masks;
  mutable std::mutex mutex;  ///< of `automata`: those in use, by program
  mutable std::unordered_map<uint64_t, std::weak_ptr<Automaton>> automata;
};

}  // namespace shenbi::grammar
