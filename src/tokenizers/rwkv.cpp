#include "tokenizers/rwkv.h"

#include <charconv>

namespace shenbi::tokenizers {
namespace {

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    unsigned byte = 0;
    if (c == 'n')
      out += '\n';
    else if (c == 't')
      out += '\t';
    else if (c == 'r')
      out += '\r';
    else if (c == 'x' && i + 2 < text.size() &&
             std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr == text.data() + i + 3) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += c;
    }
  }
  return out;
}

class LongestMatchModel final : public Model {
 public:
  explicit LongestMatchModel(const std::vector<std::string>& words) {
    std::vector<std::pair<std::string_view, int32_t>> keys;
    for (size_t id = 0; id < words.size(); ++id) keys.emplace_back(words[id], static_cast<int32_t>(id));
    trie_ = Trie(std::move(keys));
  }
  std::unique_ptr<ModelSession> start() const override { return std::make_unique<Session>(trie_); }

 private:
  class Session final : public ModelSession {
   public:
    explicit Session(const Trie& trie) : trie_(trie) {}
    void encode(std::string_view text, std::vector<int32_t>& out) override {
      for (size_t i = 0; i < text.size();) {
        const Trie::Hit hit = trie_.longest(text, i);
        out.push_back(hit.length > 0 ? hit.value : 0);  // a byte without entry is token 0, as in llama.cpp
        i += std::max<size_t>(hit.length, 1);
      }
    }

   private:
    const Trie& trie_;
  };
  Trie trie_;
};

}  // namespace

void add_rwkv(Pipeline& pipeline) {
  const Vocabulary& vocabulary = *pipeline.vocabulary;
  std::vector<std::string> words;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const bool control = vocabulary.kind(id) == TokenKind::kControl || vocabulary.kind(id) == TokenKind::kUnknown;
    pipeline.bytes.push_back(control ? vocabulary.text(id) : unescape(vocabulary.text(id)));
    words.push_back(control ? std::string() : pipeline.bytes.back());
    if (control) pipeline.added.push_back({.text = vocabulary.text(id), .id = id, .special = true});
  }
  pipeline.model = std::make_unique<LongestMatchModel>(words);
}

}  // namespace shenbi::tokenizers
