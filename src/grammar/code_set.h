#pragma once
// A set of Unicode scalar values: sorted ranges, both ends included, that neither touch nor hold a surrogate.
// A value; sets of patterns have few ranges (\p{L} has about 650), so every operation is one pass over both.

#include <compare>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace shenbi::grammar {

class CodeSet {
 public:
  using Range = std::pair<char32_t, char32_t>;

  CodeSet() = default;
  /// In any order, may overlap; surrogates and values over U+10FFFF are left out.
  explicit CodeSet(std::vector<Range> ranges);
  static CodeSet any() { return CodeSet({{0, 0x10FFFF}}); }
  static CodeSet of(std::string_view ascii);
  static CodeSet one(char32_t c) { return CodeSet({{c, c}}); }

  CodeSet operator|(const CodeSet& other) const;
  CodeSet operator&(const CodeSet& other) const;
  CodeSet operator~() const;
  CodeSet operator-(const CodeSet& other) const { return *this & ~other; }

  bool contains(char32_t c) const noexcept;
  bool empty() const noexcept { return ranges_.empty(); }
  const std::vector<Range>& ranges() const noexcept { return ranges_; }
  auto operator<=>(const CodeSet&) const = default;

 private:
  std::vector<Range> ranges_;
};

/// One way to write characters of a set as bytes: each byte within its range. A set is a few of these, in order.
struct Utf8Sequence {
  uint8_t length = 0;
  struct {
    uint8_t low, high;
  } bytes[4];
};

/// The UTF-8 of a set as sequences of byte ranges (the method of Ken Thompson's grep, as RE2 and Rust's utf8-ranges
/// do).
std::vector<Utf8Sequence> utf8_sequences(const CodeSet& set);

}  // namespace shenbi::grammar
