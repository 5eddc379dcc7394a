#include "chat/readers/json_scanner.h"

#include <fmt/format.h>

#include <cctype>

#include "base/limits.h"

namespace shenbi::chat {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string JsonScanner::escaped(char c) const {
  if (!in_string() || static_cast<unsigned char>(c) >= 0x20) return std::string(1, c);
  if (c == '\n') return "\\n";
  if (c == '\t') return "\\t";
  if (c == '\r') return "\\r";
  return fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
}

JsonScanner::Status JsonScanner::push(char c) {
  switch (state_) {
    case State::kString:
    case State::kEscape:
    case State::kHex:
      return string(c);
    case State::kMinus:
    case State::kZero:
    case State::kInteger:
    case State::kPoint:
    case State::kFraction:
    case State::kExponent:
    case State::kExponentSign:
    case State::kExponentDigits:
      return number(c);
    case State::kLiteral:
      if (literal_.front() != c) return Status::kBad;
      literal_.remove_prefix(1);
      return literal_.empty() ? value_ended() : Status::kMore;
    case State::kEnd:
      return Status::kDoneBefore;
    default:
      break;
  }
  if (is_space(c)) return Status::kMore;
  switch (state_) {
    case State::kFirstElement:
      return c == ']' ? close(c) : begin_value(c);
    case State::kFirstKey:
      if (c == '}') return close(c);
      [[fallthrough]];
    case State::kKey:
      if (c != '"') return Status::kBad;
      state_ = State::kString;
      is_key_ = true;
      return Status::kMore;
    case State::kColon:
      if (c != ':') return Status::kBad;
      state_ = State::kValue;
      return Status::kMore;
    case State::kNext:
      if (c != ',') return close(c);
      state_ = open_.back() == '{' ? State::kKey : State::kValue;
      return Status::kMore;
    default:
      return begin_value(c);
  }
}

JsonScanner::Status JsonScanner::begin_value(char c) {
  switch (c) {
    case '{':
    case '[':
      if (open_.size() >= limits::kMaxToolCallDepth) return Status::kBad;
      open_.push_back(c);
      state_ = c == '{' ? State::kFirstKey : State::kFirstElement;
      return Status::kMore;
    case '"':
      state_ = State::kString;
      is_key_ = false;
      return Status::kMore;
    case '-':
      state_ = State::kMinus;
      return Status::kMore;
    case 't':
      literal_ = "rue";
      break;
    case 'f':
      literal_ = "alse";
      break;
    case 'n':
      literal_ = "ull";
      break;
    default:
      if (!is_digit(c)) return Status::kBad;
      state_ = c == '0' ? State::kZero : State::kInteger;
      return Status::kMore;
  }
  state_ = State::kLiteral;
  return Status::kMore;
}

JsonScanner::Status JsonScanner::close(char c) {
  if (open_.empty() || c != (open_.back() == '{' ? '}' : ']')) return Status::kBad;
  open_.pop_back();
  return value_ended();
}

JsonScanner::Status JsonScanner::value_ended() {
  state_ = open_.empty() ? State::kEnd : State::kNext;
  return open_.empty() ? Status::kDone : Status::kMore;
}

JsonScanner::Status JsonScanner::string(char c) {
  if (state_ == State::kEscape) {
    if (c == 'u') {
      hex_left_ = 4;
      state_ = State::kHex;
      return Status::kMore;
    }
    if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) return Status::kBad;
    state_ = State::kString;
    return Status::kMore;
  }
  if (state_ == State::kHex) {
    if (!std::isxdigit(static_cast<unsigned char>(c))) return Status::kBad;
    if (--hex_left_ == 0) state_ = State::kString;
    return Status::kMore;
  }
  if (c == '\\') state_ = State::kEscape;
  if (c != '"') return Status::kMore;
  if (!is_key_) return value_ended();
  state_ = State::kColon;
  return Status::kMore;
}

JsonScanner::Status JsonScanner::number(char c) {
  const bool digit = is_digit(c);
  switch (state_) {
    case State::kMinus:
      if (!digit) return Status::kBad;
      state_ = c == '0' ? State::kZero : State::kInteger;
      return Status::kMore;
    case State::kPoint:
      if (!digit) return Status::kBad;
      state_ = State::kFraction;
      return Status::kMore;
    case State::kExponent:
      if (c == '+' || c == '-') {
        state_ = State::kExponentSign;
        return Status::kMore;
      }
      [[fallthrough]];
    case State::kExponentSign:
      if (!digit) return Status::kBad;
      state_ = State::kExponentDigits;
      return Status::kMore;
    default:
      break;
  }
  if (digit && state_ != State::kZero) return Status::kMore;
  if (c == '.' && (state_ == State::kZero || state_ == State::kInteger)) {
    state_ = State::kPoint;
    return Status::kMore;
  }
  if ((c == 'e' || c == 'E') && state_ != State::kExponentDigits) {
    state_ = State::kExponent;
    return Status::kMore;
  }
  return after_number(c);
}

JsonScanner::Status JsonScanner::after_number(char c) {
  if (value_ended() == Status::kDone) return Status::kDoneBefore;
  return push(c);
}

}  // namespace shenbi::chat
