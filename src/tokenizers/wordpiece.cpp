#include "tokenizers/wordpiece.h"

#include "base/utf8.h"

namespace shenbi::tokenizers {

WordPieceModel::WordPieceModel(const Vocabulary& vocabulary, WordPieceOptions options) : options_(std::move(options)) {
  std::vector<std::pair<std::string_view, int32_t>> begins, continues;
  // With both prefixes empty every entry serves both ways.
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (!options_.word_prefix.empty() && vocabulary.kind(id) != TokenKind::kNormal) continue;
    const std::string_view text = vocabulary.text(id);
    if (text.starts_with(options_.word_prefix)) begins.emplace_back(text.substr(options_.word_prefix.size()), id);
    if (!text.starts_with(options_.subword_prefix)) continue;
    if (!options_.word_prefix.empty() && text.starts_with(options_.word_prefix)) continue;
    continues.emplace_back(text.substr(options_.subword_prefix.size()), id);
  }
  begins_ = Trie(std::move(begins));
  continues_ = Trie(std::move(continues));
}

class WordPieceModel::Session final : public ModelSession {
 public:
  explicit Session(const WordPieceModel& model) : model_(model) {}

  void encode(std::string_view word, std::vector<int32_t>& out) override {
    const size_t before = out.size();
    size_t characters = 0;
    for (size_t i = 0; i < word.size(); i += decode_utf8(word, i).length) ++characters;
    bool known = characters <= model_.options_.max_characters;
    for (size_t i = 0; known && i < word.size();) {
      const Trie::Hit hit = (i == 0 ? model_.begins_ : model_.continues_).longest(word, i);
      known = hit.length > 0;
      out.push_back(hit.value);
      i += hit.length;
    }
    if (known) return;
    out.resize(before);
    out.push_back(model_.options_.unknown);
  }

 private:
  const WordPieceModel& model_;
};

std::unique_ptr<ModelSession> WordPieceModel::start() const { return std::make_unique<Session>(*this); }

class WordLevelModel::Session final : public ModelSession {
 public:
  explicit Session(const WordLevelModel& model) : model_(model) {}
  void encode(std::string_view word, std::vector<int32_t>& out) override {
    const int32_t id = model_.vocabulary_.find(word);
    const bool fused = model_.fuse_unknown_ && !out.empty() && out.back() == model_.unknown_;
    if (id >= 0)
      out.push_back(id);
    else if (model_.unknown_ && !fused)
      out.push_back(*model_.unknown_);
  }

 private:
  const WordLevelModel& model_;
};

std::unique_ptr<ModelSession> WordLevelModel::start() const { return std::make_unique<Session>(*this); }

}  // namespace shenbi::tokenizers
