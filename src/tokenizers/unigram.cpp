#include "tokenizers/unigram.h"

#include <algorithm>
#include <limits>

#include "base/utf8.h"

namespace shenbi::tokenizers {

constexpr double kUnknownPenalty = 10;  // an unknown character is this much worse than the worst word

UnigramModel::UnigramModel(const Vocabulary& vocabulary, std::vector<double> scores, UnigramOptions options)
    : vocabulary_(vocabulary), scores_(std::move(scores)), options_(options) {
  std::vector<std::pair<std::string_view, int32_t>> words;
  lowest_ = std::numeric_limits<double>::max();
  highest_ = std::numeric_limits<double>::lowest();
  for (int32_t id = 0; id < static_cast<int32_t>(scores_.size()); ++id) {  // added words lie behind
    const TokenKind kind = vocabulary_.kind(id);
    const bool takes_part = !options_.sentencepiece || kind == TokenKind::kNormal || kind == TokenKind::kUserDefined;
    if (takes_part) words.emplace_back(vocabulary_.text(id), id);
    if (!options_.sentencepiece || kind == TokenKind::kNormal) {
      lowest_ = std::min(lowest_, scores_[static_cast<size_t>(id)]);
      highest_ = std::max(highest_, scores_[static_cast<size_t>(id)]);
    }
  }
  trie_ = Trie(std::move(words));
  for (int b = 0; b < 256; ++b) {
    byte_tokens_[static_cast<size_t>(b)] = vocabulary_.find(byte_token(static_cast<uint8_t>(b)));
  }
}

class UnigramModel::Session final : public ModelSession {
 public:
  explicit Session(const UnigramModel& model) : model_(model) {}

  void encode(std::string_view text, std::vector<int32_t>& out) override {
    if (text.empty()) return;
    forward(text);
    // Collect backwards, then emit in order.
    path_.clear();
    for (size_t end = text.size(); end > 0; end = static_cast<size_t>(best_[end].begin)) path_.push_back(end);
    bool after_unknown = false;
    for (size_t i = path_.size(); i-- > 0;) {
      const Node& node = best_[path_[i]];
      if (node.id != model_.options_.unknown) {
        out.push_back(node.id);
        after_unknown = false;
        continue;
      }
      const auto begin = static_cast<size_t>(node.begin);
      const bool fused = after_unknown && model_.options_.fuse_unknown;
      after_unknown = append_unknown(text.substr(begin, path_[i] - begin), fused, out);
    }
  }

 private:
  struct Node {
    int32_t id = -1;
    int64_t begin = -1;
    double score = 0;
  };

  void forward(std::string_view text) {
    const UnigramOptions& options = model_.options_;
    const auto kept = [&](double sum) { return options.sentencepiece ? static_cast<float>(sum) : sum; };
    const double unknown_score = kept(kept(model_.lowest_) - kUnknownPenalty);
    best_.assign(text.size() + 1, {});
    for (size_t begin = 0; begin < text.size();) {
      const double so_far = best_[begin].score;
      const size_t length = decode_utf8(text, begin).length;
      bool single = false;
      const auto offer = [&](size_t size, int32_t id, double score) {
        Node& node = best_[begin + size];
        const double sum = score + so_far;
        if (node.begin < 0 || sum > node.score) node = {id, static_cast<int64_t>(begin), kept(sum)};
        single |= size == length;
      };
      model_.trie_.each(text, begin, [&](size_t size, int32_t id) {
        const bool bonus = options.sentencepiece && model_.vocabulary_.kind(id) == TokenKind::kUserDefined;
        offer(size, id,
              bonus ? static_cast<double>(size) * model_.highest_ - 0.1 : model_.scores_[static_cast<size_t>(id)]);
      });
      if (!single) offer(length, options.unknown, unknown_score);
      begin += length;
    }
  }

  // Returns whether the text was given as one unknown token.
  bool append_unknown(std::string_view text, bool fused, std::vector<int32_t>& out) const {
    const auto token = [&](char b) { return model_.byte_tokens_[static_cast<uint8_t>(b)]; };
    const bool all = std::all_of(text.begin(), text.end(), [&](char b) { return token(b) >= 0; });
    if (model_.options_.byte_fallback && (all || model_.options_.sentencepiece)) {
      for (const char b : text) out.push_back(token(b) >= 0 ? token(b) : model_.options_.unknown);
      return false;
    }
    if (!fused) out.push_back(model_.options_.unknown);
    return true;
  }

  const UnigramModel& model_;
  std::vector<Node> best_;
  std::vector<size_t> path_;
};

std::unique_ptr<ModelSession> UnigramModel::start() const { return std::make_unique<Session>(*this); }

}  // namespace shenbi::tokenizers
