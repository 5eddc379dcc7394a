#include "chat/readers/tagged_form.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "chat/readers/argument_value.h"
#include "chat/readers/call_grammar.h"
#include "chat/readers/free_text.h"
#include "chat/readers/header_form.h"

namespace shenbi::chat {

TaggedForm::TaggedForm(Spec spec)
    : spec_(std::move(spec)), in_body_({spec_.key_open, spec_.call_close}), behind_(spec_.end) {
  if (!spec_.call_open.empty()) behind_.push_back(spec_.call_open);
}

void TaggedForm::begin(std::string_view, Calls&) {
  text_.clear();
  state_ = spec_.call_open.empty() ? State::kName : State::kOpen;
}

Form::Step TaggedForm::take(char c, Calls& calls) {
  switch (state_) {
    case State::kOpen:
      return open(c);
    case State::kName:
      return name(c, calls);
    case State::kBody:
      return body(c, calls);
    case State::kKey:
      return key(c, calls);
    case State::kAttribute:
      return attribute(c, calls);
    case State::kValueOpen:
      return value_open(c, calls);
    case State::kValue:
      return value(c, calls);
    case State::kAfter:
      return after(c);
  }
  return Step::kBad;
}

Form::Step TaggedForm::end(Calls&) { return state_ == State::kAfter ? Step::kDone : Step::kBad; }

/// One more byte of a marker, with white space in front of it; text_ holds it when it is whole.
Form::Step TaggedForm::marker(char c, const std::vector<std::string>& markers, bool& whole) {
  if (text_.empty() && is_white_space(c)) return Step::kMore;
  text_ += c;
  const MarkerMatch match = match_marker(markers, text_);
  whole = match == MarkerMatch::kWhole;
  return match == MarkerMatch::kNone ? Step::kBad : Step::kMore;
}

Form::Step TaggedForm::open(char c) {
  bool whole = false;
  const Step step = marker(c, {spec_.call_open}, whole);
  if (whole) {
    text_.clear();
    state_ = State::kName;
  }
  return step;
}

Form::Step TaggedForm::name(char c, Calls& calls) {
  if (spec_.name_end.empty()) {
    const bool blank = trimmed(text_).empty();
    if (c == '<' || (c == '\n' && !blank)) {
      if (blank) return Step::kBad;
      name_read(calls);
      return c == '<' ? body(c, calls) : Step::kMore;
    }
    text_ += c;
  } else {
    text_ += c;
    if (text_.ends_with(spec_.name_end)) {
      text_.resize(text_.size() - spec_.name_end.size());
      if (trimmed(text_).empty()) return Step::kBad;
      name_read(calls);
      return Step::kMore;
    }
  }
  return text_.size() > limits::kMaxToolNameBytes ? Step::kBad : Step::kMore;
}

void TaggedForm::name_read(Calls& calls) {
  tool_ = calls.open(trimmed(text_));
  calls.arguments("{");
  text_.clear();
  first_ = true;
  state_ = State::kBody;
}

Form::Step TaggedForm::body(char c, Calls& calls) {
  bool whole = false;
  const Step step = marker(c, in_body_, whole);
  if (!whole) return step;
  if (std::exchange(text_, {}) == spec_.key_open) {
    state_ = State::kKey;
    return Step::kMore;
  }
  calls.arguments("}");
  calls.close();
  state_ = State::kAfter;
  // Where one tag closes the call and its section there is no other end.
  return spec_.call_open.empty() && spec_.end.empty() ? Step::kDone : Step::kMore;
}

Form::Step TaggedForm::key(char c, Calls& calls) {
  text_ += c;
  if (text_.size() > limits::kMaxToolNameBytes) return Step::kBad;
  if (!text_.ends_with(spec_.key_end)) return Step::kMore;
  text_.resize(text_.size() - spec_.key_end.size());
  key_ = trimmed(std::exchange(text_, {}));
  is_text_ = argument_type(tool_, key_) == ArgumentType::kText;
  if (!spec_.text_attribute.empty()) {
    state_ = State::kAttribute;
  } else if (!spec_.value_open.empty()) {
    state_ = State::kValueOpen;
  } else {
    begin_value(calls);
  }
  return Step::kMore;
}

Form::Step TaggedForm::attribute(char c, Calls& calls) {
  if (c != '>') {
    text_ += c;
    return text_.size() > limits::kMaxToolNameBytes ? Step::kBad : Step::kMore;
  }
  is_text_ = text_.find(spec_.text_attribute) != std::string::npos;
  text_.clear();
  begin_value(calls);
  return Step::kMore;
}

Form::Step TaggedForm::value_open(char c, Calls& calls) {
  bool whole = false;
  const Step step = marker(c, {spec_.value_open}, whole);
  if (whole) {
    text_.clear();
    begin_value(calls);
  }
  return step;
}

void TaggedForm::begin_value(Calls& calls) {
  calls.arguments((std::exchange(first_, false) ? "" : ", ") + json_string(key_) + ": " + (is_text_ ? "\"" : ""));
  value_.clear();
  value_begun_ = false;
  state_ = State::kValue;
}

Form::Step TaggedForm::value(char c, Calls& calls) {
  value_ += c;
  const bool last = value_.ends_with(spec_.value_end);
  if (last) value_.resize(value_.size() - spec_.value_end.size());
  if (is_text_) {
    stream_text(calls, last);
  } else if (last) {
    std::string_view text(value_);
    if (spec_.lines && text.starts_with('\n')) text.remove_prefix(1);
    if (spec_.lines && text.ends_with('\n')) text.remove_suffix(1);
    const bool told = !spec_.text_attribute.empty();
    calls.arguments(json_of_value(text, told ? ArgumentType::kOther : argument_type(tool_, key_)));
  }
  if (last) state_ = State::kBody;
  return Step::kMore;
}

/// Passes on what is certain: not a beginning of the closing tag, nor the line break that may stand in front of it.
void TaggedForm::stream_text(Calls& calls, bool last) {
  if (spec_.lines && !value_begun_ && value_.starts_with('\n')) {
    value_.erase(0, 1);
    value_begun_ = true;
  }
  size_t held = last ? 0 : partial_suffix(value_, spec_.value_end);
  if (spec_.lines && held < value_.size() && value_[value_.size() - 1 - held] == '\n') ++held;
  const size_t ready = value_.size() - held;
  if (ready > 0 || last) {
    value_begun_ = true;
    calls.arguments(json_escaped(std::string_view(value_).substr(0, ready)) + (last ? "\"" : ""));
    value_.erase(0, ready);
  }
}

Form::Step TaggedForm::after(char c) {
  bool whole = false;
  const Step step = marker(c, behind_, whole);
  if (step == Step::kBad) return text_.size() == 1 ? Step::kDoneBefore : Step::kBad;
  if (!whole) return step;
  if (std::exchange(text_, {}) != spec_.call_open) return Step::kDone;
  state_ = State::kName;
  return Step::kMore;
}

namespace {

// Line breaks stand between the tags as the family writes them.
std::string tagged_grammar(const std::vector<Tool>& tools, bool parallel, const TaggedForm::Spec& spec,
                           std::string_view trigger) {
  const std::string& gap = spec.between;
  const std::string line = spec.lines ? "\n" : "";
  const std::string text_sign = spec.text_attribute.empty() ? "" : " " + spec.text_attribute + ">";
  const std::string other_sign = spec.text_attribute.empty() ? "" : " " + spec.other_attribute + ">";
  const std::string value_gap = spec.value_open.empty() ? "" : gap + spec.value_open;
  PairStyle style;
  style.key_before = spec.key_open;
  style.key_after = spec.key_end;
  style.text_before = text_sign + value_gap + line;
  style.text_after = line + spec.value_end + gap;
  style.other_before = other_sign + value_gap + line;
  style.other_after = style.text_after;
  style.text_rule = "text-value";
  style.other_rule = "json-value";
  style.rules = text_until("text-value", line + spec.value_end + gap);
  const std::string open = spec.call_open.empty() ? std::string(trigger) : spec.call_open;
  const std::string section_end = spec.end.empty() ? "" : gap + spec.end.front();
  const auto around = [&](const Tool& tool) { return Around{open + tool.name + spec.name_end + gap, spec.call_close}; };
  if (spec.call_open.empty()) return pairs_grammar(tools, parallel, "", gap, "", around, style);
  const std::string begin = std::string(trigger) + gap;
  const std::string separator = spec.shared_section ? gap : section_end + gap + begin;
  return pairs_grammar(tools, parallel, begin, separator, section_end, around, style);
}

}  // namespace

ToolSyntax tagged_syntax(std::string trigger, TaggedForm::Spec spec, bool or_bare) {
  ToolSyntax syntax;
  syntax.thinking_begin = "<think>";
  syntax.thinking_end = "</think>";
  syntax.triggers = {trigger};
  if (or_bare) syntax.triggers.push_back(spec.call_open);
  syntax.reader = [trigger, spec, or_bare](const std::vector<Tool>& tools, bool parallel) {
    std::vector<Section> sections;
    sections.push_back({{trigger}, {}, std::make_unique<TaggedForm>(spec)});
    if (or_bare) {
      TaggedForm::Spec bare = spec;
      bare.call_open.clear();
      sections.push_back({{spec.call_open}, {}, std::make_unique<TaggedForm>(std::move(bare))});
    }
    return make_reader(tools, parallel, std::move(sections));
  };
  syntax.grammar = [trigger, spec](const std::vector<Tool>& tools, bool parallel) {
    return tagged_grammar(tools, parallel, spec, trigger);
  };
  return syntax;
}

}  // namespace shenbi::chat
