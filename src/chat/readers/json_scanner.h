#pragma once
// Recognises one JSON value byte by byte, so that arguments can be passed on while they arrive.
//
//   JsonScanner scanner;
//   while (scanner.push(c) == JsonScanner::Status::kMore) ...
//
// Strict (RFC 8259) with one exception: raw control characters inside strings, which small models write, are let
// through; `escaped` says what such a byte must become. Depth is bounded; memory is one byte a level.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::chat {

class JsonScanner {
 public:
  enum class Status {
    kMore,        ///< the byte was taken, the value goes on
    kDone,        ///< the byte was taken and is the value's last
    kDoneBefore,  ///< the value ended before this byte, which was not taken (numbers, literals)
    kBad,         ///< no JSON value goes on like this; the byte was not taken
  };
  Status push(char c);
  bool in_string() const noexcept { return state_ == State::kString; }
  bool started() const noexcept { return state_ != State::kValue || !open_.empty(); }

  /// The byte as it may stand in JSON; ask before push().
  std::string escaped(char c) const;

 private:
  enum class State : uint8_t {
    kValue,
    kFirstElement,
    kFirstKey,
    kKey,
    kColon,
    kNext,
    kString,
    kEscape,
    kHex,
    kMinus,
    kZero,
    kInteger,
    kPoint,
    kFraction,
    kExponent,
    kExponentSign,
    kExponentDigits,
    kLiteral,
    kEnd,
  };
  Status begin_value(char c);
  Status close(char c);
  Status string(char c);
  Status number(char c);
  Status after_number(char c);
  Status value_ended();

  std::vector<char> open_;  ///< '{' or '[' of each open level
  State state_ = State::kValue;
  bool is_key_ = false;
  int hex_left_ = 0;
  std::string_view literal_;  ///< what is left of true, false or null
};

}  // namespace shenbi::chat
