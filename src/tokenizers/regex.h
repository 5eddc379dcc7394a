#pragma once
// A small regular-expression engine for the patterns by which tokenizers cut text into words.
//
//   Regex words = Regex::compile("\\p{L}+|\\s+(?!\\S)", Regex::Dialect::kOniguruma);
//   Regex::Scanner scan(words, text);
//   while (auto match = scan.next()) use(text.substr(match->begin, match->end - match->begin));
//
// Backtracking, leftmost alternative first, as Oniguruma and Rust's fancy-regex match, over code points of UTF-8 (a bad
// sequence counts as one U+FFFD). Knows: literals, classes with ranges, nesting and &&, \p{..} \s \d \w \h, '.',
// anchors,
// \b, groups, (?i:..), lookahead, one-character lookbehind, greedy, lazy and possessive repeats. Anything else is
// Error{kUnsupported} that quotes the pattern.
//
// Time is linear in the text for a given pattern: runs of one class remember their ends and where going back in them is
// futile, and once a scan has taken suspiciously many steps every (instruction, position) is remembered with its
// outcome.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::tokenizers {

/// A set of code points: one bit each below U+10000, sorted ranges above.
class CharSet {
 public:
  using Range = std::pair<char32_t, char32_t>;  ///< both ends included
  /// `ranges` sorted and disjoint.
  explicit CharSet(std::vector<Range> ranges);

  bool contains(char32_t c) const noexcept {
    if (c < 0x10000) return (basic_[c >> 6] >> (c & 63)) & 1;
    return contains_high(c);
  }
  const std::vector<Range>& ranges() const noexcept { return ranges_; }
  bool disjoint(const CharSet& other) const noexcept;

 private:
  bool contains_high(char32_t c) const noexcept;

  std::vector<uint64_t> basic_;
  std::vector<Range> ranges_;
};

class Regex {
 public:
  /// What '^' and '$' mean: at every line (Oniguruma, as Ruby) or of the whole text (fancy-regex).
  enum class Dialect { kOniguruma, kFancyRegex };

  /// Throws Error{kUnsupported} for constructs outside the list above, Error{kCorruptFile} for a malformed pattern.
  static Regex compile(std::string_view pattern, Dialect dialect = Dialect::kOniguruma);
  /// Matches `text` itself.
  static Regex literal(std::string_view text);

  struct Match {
    size_t begin, end;  ///< bytes
  };

  /// Finds the matches of one text from left to right. An empty match directly behind the previous match is skipped.
  class Scanner;

  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

 private:
  struct Program;
  friend class RegexCompiler;
  explicit Regex(std::unique_ptr<const Program> program);
  std::unique_ptr<const Program> program_;
};

class Regex::Scanner {
 public:
  /// Both must outlive the scanner.
  Scanner(const Regex& regex, std::string_view text);
  ~Scanner();
  std::optional<Match> next();
  /// Instructions executed so far: what "linear" means in the tests.
  uint64_t steps() const noexcept;

 private:
  class Machine;
  std::unique_ptr<Machine> machine_;
  std::string_view text_;
  size_t position_ = 0;
  std::optional<size_t> last_end_;
};

}  // namespace shenbi::tokenizers
