#pragma once
// What every fuzz target does with a grammar that compiled: reads a text, and writes one by choosing among the allowed
// bytes as the input says. Every allowed byte must be accepted, and there must always be a way on or an end.

#include <string>
#include <string_view>

#include "base/error.h"
#include "grammar/grammar.h"

namespace shenbi::grammar {

/// All bytes, pairs that cross ends of rules, and an end token.
class FuzzTokenizer : public tokenizers::Tokenizer {
 public:
  std::vector<int32_t> encode(std::string_view, const tokenizers::EncodeOptions&) const override { return {}; }
  std::vector<size_t> find_special(std::string_view) const override { return {}; }
  std::string decode(const std::vector<int32_t>&, bool) const override { return {}; }
  size_t vocab_size() const noexcept override { return 256 + 1 + kPairs.size() / 2; }
  std::string token_bytes(int32_t id) const override {
    if (id < 256) return std::string(1, static_cast<char>(id));
    return id == 256 ? "" : std::string(kPairs.substr(static_cast<size_t>(id - 257) * 2, 2));
  }
  std::string token_text(int32_t id) const override { return token_bytes(id); }
  tokenizers::TokenKind token_kind(int32_t) const noexcept override { return tokenizers::TokenKind::kNormal; }
  std::optional<int32_t> find_token(std::string_view) const override { return std::nullopt; }

 private:
  static constexpr std::string_view kPairs = "\",\":aa\"}]]ab01\xC3\xA9\\n\n }}";
};

/// The sentence that was written; "" if it did not end within some hundred bytes.
inline std::string fuzz_walk(const std::shared_ptr<const Grammar>& grammar, std::string_view choices) {
  static const auto vocabulary = TokenVocabulary::make(FuzzTokenizer(), FuzzTokenizer().vocab_size(), {256});
  (void)grammar->matches(choices);
  Matcher matcher(grammar, vocabulary);
  std::vector<uint64_t> mask((FuzzTokenizer().vocab_size() + 63) / 64);
  const size_t vocab = FuzzTokenizer().vocab_size();
  std::string text;
  uint32_t dice = 1;
  for (size_t step = 0; step < 160; ++step) {
    matcher.allowed(mask);
    std::vector<int32_t> allowed;
    for (size_t id = 0; id < vocab; ++id) {
      if ((mask[id / 64] >> (id % 64)) & 1) allowed.push_back(static_cast<int32_t>(id));
    }
    SHENBI_CHECK(!allowed.empty());
    SHENBI_CHECK(matcher.can_end() == (((mask[4] >> 0) & 1) != 0));
    const std::string forced = matcher.forced_text();
    dice = dice * 1664525 + 1013904223 + (step < choices.size() ? static_cast<uint8_t>(choices[step]) : 0);
    int32_t token = allowed[(dice >> 8) % allowed.size()];
    if (step > 100 && matcher.can_end()) token = 256;
    SHENBI_CHECK(matcher.accept(token));
    if (token == 256) return text;
    text += FuzzTokenizer().token_bytes(token);
    SHENBI_CHECK(forced.empty() || forced.starts_with(FuzzTokenizer().token_bytes(token)) ||
                 FuzzTokenizer().token_bytes(token).starts_with(forced));
  }
  return "";
}

}  // namespace shenbi::grammar
