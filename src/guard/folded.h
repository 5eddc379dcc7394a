#pragma once
// Text as the finder looks at it: one byte a character. Full-width letters, digits and signs become the ASCII that they
// are another form of, blanks of every width a blank, hyphens and dashes a hyphen; characters that cannot be seen are
// left out, and every other one is kOther, which is no letter: in Chinese text nothing stands between words.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::guard {

class Folded {
 public:
  static constexpr char kOther = '\x80';

  /// `text` must outlive it and have fewer than 4 GiB. Bytes that are no UTF-8 are kOther each.
  explicit Folded(std::string_view text);

  std::string_view text() const noexcept { return folded_.empty() ? raw_ : std::string_view(folded_); }
  std::string_view raw() const noexcept { return raw_; }
  /// Where character `at` begins in the text as it was; text().size(): its end.
  size_t begin(size_t at) const noexcept { return places_.empty() ? at : places_[at]; }
  /// Where what ends before character `at` ends.
  size_t end(size_t at) const noexcept { return places_.empty() || at == 0 ? at : ends_[at - 1]; }

 private:
  std::string_view raw_;
  std::string folded_;  // empty: the text is ASCII and stands for itself
  std::vector<uint32_t> places_, ends_;
};

}  // namespace shenbi::guard
