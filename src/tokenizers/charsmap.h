#pragma once
// SentencePiece's precompiled normalisation rules: a double array (Darts) of byte strings, each with the offset of its
// replacement in a block of NUL-terminated strings.
//
// Blob: u32 size of the array in bytes, the array (u32 units, little endian), the replacements.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::tokenizers {

class Charsmap {
 public:
  /// Copies the blob. Throws Error{kCorruptFile} "<what>: ..." if its sizes do not fit.
  Charsmap(std::string_view blob, std::string_view what);

  struct Hit {
    size_t length;                 ///< bytes of text that are replaced
    std::string_view replacement;  ///< valid as long as the map
  };
  /// The longest (or the shortest) rule that matches at the beginning of `text`.
  std::optional<Hit> longest(std::string_view text) const noexcept { return find(text, true); }
  std::optional<Hit> shortest(std::string_view text) const noexcept { return find(text, false); }

 private:
  std::optional<Hit> find(std::string_view text, bool longest) const noexcept;
  std::vector<uint32_t> units_;
  std::string replacements_;
};

}  // namespace shenbi::tokenizers
