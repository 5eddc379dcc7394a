#pragma once
// Hand-written matchers for the word patterns that nearly every byte-level BPE model uses. Each gives exactly the words
// of the regex it stands for (word_family_test.cpp proves it against the regex engine); they exist for speed alone.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace shenbi::tokenizers {

/// What distinguishes the families. Every family cuts the whole text: each call of next_word takes at least a
/// character.
struct WordFamily {
  bool gpt2 = false;         ///< words take one leading space, not any one non-letter; contractions in lower case only
  bool contractions = true;  ///< 's 't 're ... are words of their own (or, with `by_case`, end one)
  bool by_case = false;      ///< a lower-case letter begins no new word, an upper-case one does (o200k)
  bool marks = false;        ///< combining marks count as letters
  uint32_t max_digits = 1;   ///< digits a word
  bool slash_tail = false;   ///< punctuation takes following '/' along with line ends
  bool whole_tail = false;   ///< white space at the end of the text stays in one piece
};

/// The family a pattern belongs to, if it is one of the known spellings.
std::optional<WordFamily> find_word_family(std::string_view pattern);

/// End of the word that begins at `begin` < text.size().
size_t next_word(const WordFamily& family, std::string_view text, size_t begin) noexcept;

}  // namespace shenbi::tokenizers
