#pragma once
// Finds personal data in text: what has the form of an address, a number or a key and passes the checks that its issuer
// puts on it. Time and memory are linear in the text.
//
//   Finder finder({.words = {"Nightjar"}, .patterns = {"ZX-[0-9]{6}"}});
//   for (const Finding& one : finder.find("Call 138 1234 5678 about ZX-004711.")) ...
//
// What has no check digit is taken only in a form that other things do not have: a date, a hash, a long integer, a
// version or a line of code is none. Two remain: eleven digits that begin like a mobile number are one, and of random
// numbers of sixteen digits about one in forty passes for a card. Names and addresses of people are not looked for.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::guard {

// Bounds of what a user says, and of one request.
inline constexpr size_t kMaxPrivateWords = 1024;              ///< of one account
inline constexpr size_t kMaxPrivatePatterns = 64;             ///< of one account; each is a walk over every text
inline constexpr size_t kMaxPrivateWordBytes = 1024;          ///< one of them
inline constexpr int64_t kMaxPrivatePatternMemory = 8 << 20;  ///< of a compiled one and the states that it remembers
inline constexpr size_t kMaxMaskedValues = 10'000;  ///< different ones in one request; a page of contacts has a hundred

enum class Kind {
  kEmail,
  kPhone,
  kId,    ///< resident identity number of mainland China
  kCard,  ///< bank card
  kIban,
  kSsn,       ///< social security number of the USA
  kIp,        ///< address of the Internet; of this machine and masks are none
  kPassport,  ///< a line of its machine zone, or its number behind the word
  kPlate,     ///< vehicle plate of mainland China
  kCompany,   ///< unified social credit code
  kKey,       ///< what base/redact.h takes for a key
  kPrivate,   ///< the user's own words and patterns
  kText,      ///< what looks like a placeholder but is the caller's
};
inline constexpr size_t kKinds = static_cast<size_t>(Kind::kText) + 1;

/// "email": for people, metrics and headers.
std::string_view kind_name(Kind kind) noexcept;
/// "EMAIL": in placeholders, "[EMAIL_1]".
std::string_view kind_word(Kind kind) noexcept;

struct Finding {
  size_t begin = 0, end = 0;  ///< in bytes
  Kind kind = Kind::kText;
  bool operator==(const Finding&) const = default;
};

/// What somebody does not want to leave the house besides what everybody does not.
struct PrivateWords {
  std::vector<std::string> words;     ///< as they are written, whatever the case of their letters
  std::vector<std::string> patterns;  ///< regular expressions (RE2's syntax)
  bool operator==(const PrivateWords&) const = default;
};

class Finder {
 public:
  /// Throws Error{kInvalidArgument} naming the word or pattern: an empty one, no UTF-8, one that matches nothing at all
  /// or is no expression, one beyond the bounds above.
  explicit Finder(const PrivateWords& own = {});
  ~Finder();
  Finder(const Finder&) = delete;
  Finder& operator=(const Finder&) = delete;

  /// In order, none within another. Thread-safe.
  std::vector<Finding> find(std::string_view text) const;

 private:
  struct Own;
  std::unique_ptr<const Own> own_;
};

}  // namespace shenbi::guard
