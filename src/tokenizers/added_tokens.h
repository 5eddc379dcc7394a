#pragma once
// Tokens that are found in the text before anything else: control tokens and words a model's makers added later.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/trie.h"

namespace shenbi::tokenizers {

struct AddedToken {
  std::string text;
  int32_t id = 0;
  bool special = false;      ///< found only on request (EncodeOptions::parse_special)
  bool normalized = false;   ///< looked for in the normalised text; `text` is normalised already
  bool single_word = false;  ///< only where no word character touches it
  bool left_strip = false;   ///< takes white space before it
  bool right_strip = false;  ///< takes white space behind it
};

/// Finds tokens leftmost first, longest at one place, never overlapping.
class AddedTokens {
 public:
  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens);

  bool empty() const noexcept { return tokens_.empty(); }

  /// Calls text(begin, end) and token(id) for the parts of `text` in order; no part is empty.
  /// Special tokens are not found at the offsets in `literal` (ascending).
  template <class OnText, class OnToken>
  void split(std::string_view text, bool parse_special, std::span<const size_t> literal, OnText&& on_text,
             OnToken&& on_token) const {
    size_t done = 0, from = 0;
    while (!tokens_.empty()) {
      const Found found = next(text, from, done, parse_special, literal);
      if (found.token == nullptr) break;
      if (done < found.begin) on_text(done, found.begin);
      on_token(found.token->id);
      done = found.end;
      from = found.search_on;
    }
    if (done < text.size()) on_text(done, text.size());
  }

  /// Appends every offset where a special token begins.
  void find_special(std::string_view text, std::vector<size_t>& out) const;

 private:
  struct Found {
    const AddedToken* token = nullptr;
    size_t begin = 0, end = 0;  ///< with stripped white space
    size_t search_on = 0;       ///< end of the token itself
  };
  Found next(std::string_view text, size_t from, size_t done, bool parse_special,
             std::span<const size_t> literal) const;

  std::vector<AddedToken> tokens_;
  Trie all_, ordinary_;  // with and without the special ones; values are indexes into tokens_
};

}  // namespace shenbi::tokenizers
