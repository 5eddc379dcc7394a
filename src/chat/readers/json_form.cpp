#include "chat/readers/json_form.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/limits.h"

namespace shenbi::chat {
namespace {

using Status = JsonScanner::Status;

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// The text of a JSON string that the scanner has accepted.
std::string unquoted(std::string_view json) {
  const auto value = nlohmann::json::parse(json.begin(), json.end(), nullptr, false);
  return value.is_string() ? value.get<std::string>() : std::string();
}

bool is_object(std::string_view json) {
  const size_t first = json.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || json[first] != '{') return false;
  JsonScanner scanner;
  for (size_t i = first; i < json.size(); ++i) {
    const Status status = scanner.push(json[i]);
    if (status == Status::kBad) return false;
    if (status == Status::kDone) return json.find_first_not_of(" \t\r\n", i + 1) == std::string_view::npos;
  }
  return false;
}

}  // namespace

void JsonForm::begin(std::string_view trigger, Calls& calls) {
  state_ = State::kBefore;
  in_array_ = false;
  tail_.clear();
  if (options_.bare) calls.perhaps();
  if (trigger == "{" || trigger == "[") before(trigger.front(), calls);
}

Form::Step JsonForm::take(char c, Calls& calls) {
  switch (state_) {
    case State::kBefore:
      return before(c, calls);
    case State::kKey:
    case State::kInKey:
      return key(c, calls);
    case State::kColon:
      if (is_white_space(c)) return Step::kMore;
      if (c != ':') return Step::kBad;
      text_.clear();
      scanner_ = {};
      state_ = value_;
      return Step::kMore;
    case State::kNext:
      return next(c, calls);
    case State::kBetween:
      return between(c, calls);
    default:
      return value(c, calls);
  }
}

Form::Step JsonForm::end(Calls&) { return state_ == State::kBetween ? Step::kDone : Step::kBad; }

Form::Step JsonForm::before(char c, Calls&) {
  if (is_white_space(c)) return Step::kMore;
  if (c == '[' && !in_array_) {
    in_array_ = true;
    return Step::kMore;
  }
  if (c != '{') return Step::kBad;
  begin_object();
  return Step::kMore;
}

void JsonForm::begin_object() {
  state_ = State::kKey;
  name_.clear();
  id_.clear();
  arguments_.clear();
  opened_ = has_name_ = has_arguments_ = separated_ = false;
}

Form::Step JsonForm::key(char c, Calls& calls) {
  if (state_ == State::kKey) {
    if (is_white_space(c)) return Step::kMore;
    if (c == '}') return object_read(calls);
    if (c != '"') return Step::kBad;
    text_.clear();
    scanner_ = {};
    state_ = State::kInKey;
  }
  text_ += c;
  const Status status = scanner_.push(c);
  if (status == Status::kBad || text_.size() > limits::kMaxToolNameBytes) return Step::kBad;
  return status == Status::kDone ? key_read() : Step::kMore;
}

Form::Step JsonForm::key_read() {
  const std::string key = unquoted(text_);
  state_ = State::kColon;
  if (keys_.name_is_key) {
    if (has_name_) return Step::kBad;
    name_ = key;
    has_name_ = true;
    value_ = State::kArguments;
  } else if (contains(keys_.name, key) && !has_name_) {
    value_ = State::kName;
  } else if (contains(keys_.arguments, key) && !has_arguments_) {
    value_ = State::kArguments;
  } else if (contains(keys_.id, key)) {
    value_ = State::kId;
  } else if (contains(keys_.ignore, key) || !options_.bare) {
    value_ = State::kOther;
  } else {
    return Step::kBad;
  }
  return Step::kMore;
}

Form::Step JsonForm::value(char c, Calls& calls) {
  if (state_ == State::kArguments) return arguments_byte(c, calls);
  const Status status = scanner_.push(c);
  if (status == Status::kBad) return Step::kBad;
  if (state_ != State::kOther && status != Status::kDoneBefore) {
    if (text_.size() >= limits::kMaxToolNameBytes) return Step::kBad;
    text_ += c;
  }
  if (status == Status::kMore) return Step::kMore;
  const Step read = value_read(calls);
  return read == Step::kMore && status == Status::kDoneBefore ? next(c, calls) : read;
}

Form::Step JsonForm::value_read(Calls& calls) {
  if (state_ == State::kName) {
    name_ = unquoted(text_);
    if (name_.empty()) return Step::kBad;
    has_name_ = true;
  } else if (state_ == State::kId) {
    const size_t first = text_.find_first_not_of(" \t\r\n");
    id_ = first != std::string::npos && text_[first] == '"' ? unquoted(text_) : text_;
  }
  state_ = State::kNext;
  return Step::kMore;
}

/// A byte of the arguments: passed on at once if they are an object and the name is known.
Form::Step JsonForm::arguments_byte(char c, Calls& calls) {
  if (!scanner_.started()) {
    if (is_white_space(c)) return Step::kMore;
    if (c == '{' && has_name_) open(calls);
  }
  const std::string byte = scanner_.escaped(c);
  const Status status = scanner_.push(c);
  if (status == Status::kBad) return Step::kBad;
  if (status != Status::kDoneBefore) {
    if (opened_) {
      calls.arguments(byte);
    } else {
      arguments_ += byte;
    }
  }
  if (status == Status::kMore) return Step::kMore;
  has_arguments_ = true;
  state_ = State::kNext;
  return status == Status::kDoneBefore ? next(c, calls) : Step::kMore;
}

Form::Step JsonForm::next(char c, Calls& calls) {
  if (is_white_space(c)) return Step::kMore;
  if (c == '}') return object_read(calls);
  if (c != ',') return Step::kBad;
  state_ = State::kKey;
  return Step::kMore;
}

Form::Step JsonForm::object_read(Calls& calls) {
  if (!has_name_) return Step::kBad;
  if (!opened_) {
    // Left out or null: none. A string: models that quote them, as OpenAI's API does.
    if (arguments_.starts_with('"')) arguments_ = unquoted(arguments_);
    if (arguments_.empty() || arguments_ == "null") arguments_ = "{}";
    if (!is_object(arguments_)) return Step::kBad;
    open(calls);
    calls.arguments(arguments_);
  }
  calls.close();
  state_ = State::kBetween;
  return Step::kMore;
}

void JsonForm::open(Calls& calls) {
  calls.open(name_, id_);
  opened_ = true;
}

/// Behind a call: another one, the end of the array, an end marker, or text.
Form::Step JsonForm::between(char c, Calls& calls) {
  if (tail_.empty()) {
    if (is_white_space(c)) return Step::kMore;
    if ((c == ',' || c == ';') && !std::exchange(separated_, true)) return Step::kMore;
    if (c == '{') {
      begin_object();
      return Step::kMore;
    }
    if (c == ']' && in_array_ && !separated_) {
      in_array_ = false;
      return options_.end.empty() ? Step::kDone : Step::kMore;
    }
  }
  tail_ += c;
  switch (match_marker(options_.end, tail_)) {
    case MarkerMatch::kWhole:
      return Step::kDone;
    case MarkerMatch::kPart:
      return Step::kMore;
    case MarkerMatch::kNone:
      break;
  }
  return tail_.size() == 1 && !separated_ ? Step::kDoneBefore : Step::kBad;
}

}  // namespace shenbi::chat
