#include "chat/readers/header_form.h"

#include <utility>

#include "base/limits.h"

namespace shenbi::chat {

using Status = JsonScanner::Status;

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_white_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_white_space(text.back())) text.remove_suffix(1);
  return text;
}

HeaderForm::HeaderForm(Spec spec) : spec_(std::move(spec)), behind_(spec_.skip) {
  behind_.insert(behind_.end(), spec_.end.begin(), spec_.end.end());
  if (!spec_.open.empty()) behind_.push_back(spec_.open);
}

HeaderForm::Head HeaderForm::plain_head(std::string_view header) { return {std::string(trimmed(header)), {}}; }

void HeaderForm::begin(std::string_view trigger, Calls&) {
  text_.clear();
  state_ = spec_.open.empty() ? State::kHeader : State::kOpen;
  if (spec_.separator.empty()) take_head(trigger);
}

Form::Step HeaderForm::take(char c, Calls& calls) {
  switch (state_) {
    case State::kOpen:
      return open_marker(c);
    case State::kHeader:
      return header(c);
    case State::kBeforeArguments:
      if (is_white_space(c)) return Step::kMore;
      if (c != '{') return Step::kBad;
      calls.open(head_.name, head_.id);
      scanner_ = {};
      state_ = State::kArguments;
      [[fallthrough]];
    case State::kArguments:
      return arguments(c, calls);
    case State::kAfter:
      return after(c);
  }
  return Step::kBad;
}

Form::Step HeaderForm::end(Calls&) { return state_ == State::kAfter ? Step::kDone : Step::kBad; }

Form::Step HeaderForm::open_marker(char c) {
  if (text_.empty() && is_white_space(c)) return Step::kMore;
  text_ += c;
  if (!spec_.open.starts_with(text_)) return Step::kBad;
  if (text_ == spec_.open) {
    text_.clear();
    state_ = State::kHeader;
  }
  return Step::kMore;
}

Form::Step HeaderForm::header(char c) {
  text_ += c;
  if (text_.size() > limits::kMaxToolNameBytes) return Step::kBad;
  if (!text_.ends_with(spec_.separator)) return Step::kMore;
  return take_head(std::string_view(text_).substr(0, text_.size() - spec_.separator.size())) ? Step::kMore : Step::kBad;
}

bool HeaderForm::take_head(std::string_view header) {
  head_ = spec_.head(header);
  state_ = State::kBeforeArguments;
  text_.clear();
  return !head_.name.empty();
}

Form::Step HeaderForm::arguments(char c, Calls& calls) {
  const std::string byte = scanner_.escaped(c);
  const Status status = scanner_.push(c);
  if (status == Status::kBad) return Step::kBad;
  calls.arguments(byte);
  if (status == Status::kDone) {
    calls.close();
    text_.clear();
    state_ = State::kAfter;
  }
  return Step::kMore;
}

Form::Step HeaderForm::after(char c) {
  if (text_.empty() && is_white_space(c)) return Step::kMore;
  text_ += c;
  switch (match_marker(behind_, text_)) {
    case MarkerMatch::kPart:
      return Step::kMore;
    case MarkerMatch::kNone:
      return text_.size() == 1 ? Step::kDoneBefore : Step::kBad;
    case MarkerMatch::kWhole:
      break;
  }
  const std::string marker = std::exchange(text_, {});
  if (marker == spec_.open) {
    state_ = State::kHeader;
    return Step::kMore;
  }
  return match_marker(spec_.end, marker) == MarkerMatch::kWhole ? Step::kDone : Step::kMore;
}

}  // namespace shenbi::chat
