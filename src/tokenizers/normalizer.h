#pragma once
// Text rewriting before it is cut into words.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/unicode.h"
#include "tokenizers/charsmap.h"
#include "tokenizers/regex.h"
#include "tokenizers/trie.h"

namespace shenbi::tokenizers {

inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // ▁, how SentencePiece writes a space

/// One step. Immutable, thread-safe. Bytes that are not UTF-8 become U+FFFD where a step looks at characters.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual std::string apply(std::string_view text) const = 0;
};
using Normalizers = std::vector<std::unique_ptr<Normalizer>>;

/// Applies all steps in order.
std::string normalize_all(const Normalizers& steps, std::string_view text);

std::unique_ptr<Normalizer> unicode_normalizer(NormalForm form);
std::unique_ptr<Normalizer> lowercase_normalizer();  ///< character by character: no rule for a final sigma
std::unique_ptr<Normalizer> strip_normalizer(bool left, bool right);
std::unique_ptr<Normalizer> strip_accents_normalizer();  ///< removes combining marks
std::unique_ptr<Normalizer> replace_normalizer(Regex pattern, std::string content);
std::unique_ptr<Normalizer> prepend_normalizer(std::string prefix);  ///< not to empty text
std::unique_ptr<Normalizer> nmt_normalizer();
std::unique_ptr<Normalizer> byte_alphabet_normalizer();
/// The map applied to whole graphemes where a rule begins one, as Hugging Face's tokenizers does.
std::unique_ptr<Normalizer> grapheme_charsmap_normalizer(Charsmap map);

struct BertCleaning {
  bool clean_text = true, isolate_chinese = true, strip_accents = true, lowercase = true;
};
std::unique_ptr<Normalizer> bert_normalizer(const BertCleaning& what);

/// SentencePiece's normaliser (sentencepiece normalizer.cc).
struct SentencePieceRules {
  std::optional<Charsmap> charsmap;
  Trie protected_words;  ///< user-defined words pass unchanged; only asked where something could change
  bool add_dummy_prefix = true, remove_extra_whitespaces = false, escape_whitespaces = true;
  bool whitespace_as_suffix = false;
};
std::unique_ptr<Normalizer> sentencepiece_normalizer(SentencePieceRules rules);

}  // namespace shenbi::tokenizers
