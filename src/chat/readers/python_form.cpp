#include "chat/readers/python_form.h"

#include <utility>

#include "base/limits.h"
#include "chat/readers/argument_value.h"

namespace shenbi::chat {
namespace {

bool in_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.'; }

}  // namespace

void PythonForm::begin(std::string_view trigger, Calls& calls) {
  state_ = State::kBefore;
  in_list_ = trigger == "[";
  separated_ = false;
  name_.clear();
  tail_.clear();
  if (options_.bare) calls.perhaps();
}

Form::Step PythonForm::take(char c, Calls& calls) {
  switch (state_) {
    case State::kBefore:
      if (is_white_space(c)) return Step::kMore;
      if (c == '[' && !in_list_) {
        in_list_ = true;
        return Step::kMore;
      }
      state_ = State::kName;
      [[fallthrough]];
    case State::kName:
      return name(c);
    case State::kArguments:
      return arguments(c, calls);
    case State::kAfter:
      return after(c, calls);
  }
  return Step::kBad;
}

Form::Step PythonForm::end(Calls&) { return state_ == State::kAfter ? Step::kDone : Step::kBad; }

Form::Step PythonForm::name(char c) {
  if (c == '(' && !name_.empty()) {
    state_ = State::kArguments;
    text_.clear();
    depth_ = 0;
    quote_ = 0;
    escape_ = false;
    return Step::kMore;
  }
  if (!in_name(c) || name_.size() >= limits::kMaxToolNameBytes) return Step::kBad;
  name_ += c;
  return Step::kMore;
}

/// Up to the bracket that closes the call; what stands between is read at once.
Form::Step PythonForm::arguments(char c, Calls& calls) {
  if (quote_) {
    if (!escape_ && c == quote_) quote_ = 0;
    escape_ = !escape_ && c == '\\';
  } else if (c == '"' || c == '\'') {
    quote_ = c;
  } else if (c == '(' || c == '[' || c == '{') {
    ++depth_;
  } else if ((c == ')' || c == ']' || c == '}') && --depth_ < 0) {
    const auto json = c == ')' ? json_of_python_arguments(text_) : std::nullopt;
    if (!json) return Step::kBad;
    calls.open(name_);
    calls.arguments(*json);
    calls.close();
    name_.clear();
    separated_ = false;
    state_ = State::kAfter;
    return Step::kMore;
  }
  text_ += c;
  return Step::kMore;
}

Form::Step PythonForm::after(char c, Calls&) {
  if (tail_.empty()) {
    if (is_white_space(c)) return Step::kMore;
    if (c == ',' && in_list_ && !std::exchange(separated_, true)) return Step::kMore;
    if (separated_) {
      state_ = State::kName;
      return name(c);
    }
    if (c == ']' && in_list_) {
      in_list_ = false;
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
  return tail_.size() == 1 ? Step::kDoneBefore : Step::kBad;
}

}  // namespace shenbi::chat
