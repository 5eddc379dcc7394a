#pragma once
// The words of a tokenizer by id, as the file writes them.

#include <string>
#include <vector>

#include "tokenizers/tables.h"
#include "tokenizers/tokenizer.h"

namespace shenbi::tokenizers {

class Vocabulary {
 public:
  /// Texts by id; ids that a file leaves out are "" with kind kUnused.
  Vocabulary(std::vector<std::string> texts, std::vector<TokenKind> kinds);
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  int32_t size() const noexcept { return static_cast<int32_t>(texts_.size()); }
  bool has(int32_t id) const noexcept { return id >= 0 && id < size(); }
  /// -1 if there is no such entry. Of equal entries the first id answers.
  int32_t find(std::string_view text) const noexcept { return table_.find(text); }
  /// `id` must be in range.
  const std::string& text(int32_t id) const noexcept { return texts_[static_cast<size_t>(id)]; }
  TokenKind kind(int32_t id) const noexcept { return kinds_[static_cast<size_t>(id)]; }

 private:
  std::vector<std::string> texts_;
  std::vector<TokenKind> kinds_;
  TextTable table_;
};

/// "<0x0A>" -> 10; -1 for any other text.
int byte_of_token(std::string_view text) noexcept;
/// 10 -> "<0x0A>".
std::string byte_token(uint8_t byte);

// GPT-2's alphabet: 256 printable characters that stand for the bytes in the vocabularies of byte-level models.

/// The character for a byte.
char32_t byte_to_character(uint8_t byte) noexcept;
/// "Hello world" -> "HelloĠworld".
std::string bytes_to_alphabet(std::string_view bytes);
/// The inverse; nothing if some character is not of the alphabet.
std::optional<std::string> alphabet_to_bytes(std::string_view text);

}  // namespace shenbi::tokenizers
