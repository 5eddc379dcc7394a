#include "chat/readers/call_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "base/limits.h"

namespace shenbi::chat {
namespace {

// White space in front of a call is dropped, so the end of the text is held back while it is white. A longer run goes
// out from its front: memory stays bounded, and what is held depends on the run alone.
constexpr size_t kHeldWhiteSpace = 64;

size_t trailing_white_space(std::string_view text) {
  size_t count = 0;
  while (count < text.size() && count < kHeldWhiteSpace && is_white_space(text[text.size() - 1 - count])) ++count;
  return count;
}

}  // namespace

bool is_white_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

size_t partial_suffix(std::string_view text, std::string_view marker) noexcept {
  for (size_t n = std::min(text.size(), marker.size() - 1); n > 0; --n) {
    if (marker.starts_with(text.substr(text.size() - n))) return n;
  }
  return 0;
}

MarkerMatch match_marker(const std::vector<std::string>& markers, std::string_view text) noexcept {
  bool part = false;
  for (const std::string& marker : markers) {
    if (marker == text) return MarkerMatch::kWhole;
    part |= marker.starts_with(text);
  }
  return part ? MarkerMatch::kPart : MarkerMatch::kNone;
}

std::string random_id(std::string_view prefix, size_t length) {
  static constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  thread_local std::mt19937_64 random{std::random_device{}()};  // ids need to differ, not to be secret
  std::uniform_int_distribution<size_t> pick(0, kAlphabet.size() - 1);
  std::string id(prefix);
  for (size_t i = 0; i < length; ++i) id += kAlphabet[pick(random)];
  return id;
}

std::string call_id() { return random_id("call_", 24); }
std::string nine_letter_id() { return random_id("", 9); }

std::unique_ptr<ToolSyntax::Reader> make_reader(const std::vector<Tool>& tools, bool parallel,
                                                std::vector<Section> sections, ReaderOptions options) {
  return std::make_unique<CallReader>(tools, parallel, std::move(sections), std::move(options));
}

std::unique_ptr<ToolSyntax::Reader> make_reader(const std::vector<Tool>& tools, bool parallel,
                                                std::vector<std::string> triggers, std::unique_ptr<Form> form) {
  std::vector<Section> sections;
  sections.push_back({std::move(triggers), {}, std::move(form)});
  return make_reader(tools, parallel, std::move(sections));
}

CallReader::CallReader(const std::vector<Tool>& tools, bool parallel, std::vector<Section> sections,
                       ReaderOptions options)
    : tools_(tools),
      parallel_(parallel),
      sections_(std::move(sections)),
      make_id_(options.make_id ? options.make_id : &call_id) {
  for (const Section& section : sections_) {
    for (const std::string& text : section.triggers) markers_.push_back({text, false, section.form.get()});
    for (const std::string& text : section.leading) markers_.push_back({text, true, section.form.get()});
  }
  for (const std::string& text : options.silent) markers_.push_back({text, false, nullptr});
  for (const std::string& text : options.silent_leading) markers_.push_back({text, true, nullptr});
}

void CallReader::push(std::string_view text, std::vector<Event>& out) {
  out_ = &out;
  // In slices: every marker found makes the search for the others begin again.
  constexpr size_t kSlice = 4096;
  for (size_t from = 0; from < text.size(); from += kSlice) {
    pending_ += text.substr(from, kSlice);
    while (at_ < pending_.size()) {
      if (form_) {
        advance_call();
      } else if (!advance_text()) {
        break;
      }
    }
    pending_.erase(0, std::exchange(at_, 0));
  }
  out_ = nullptr;
}

void CallReader::finish(std::vector<Event>& out) {
  out_ = &out;
  if (form_) {
    if (form_->end(*this) == Form::Step::kBad) {
      give_up(open_ ? "the answer ended inside it" : "the answer ended before it began");
    } else {
      end_section();
    }
    form_ = nullptr;
  }
  // A last beginning of a marker was none. White space behind the last call goes with the call.
  const std::string_view rest = std::string_view(pending_).substr(at_);
  if (!after_call_ || !std::all_of(rest.begin(), rest.end(), is_white_space)) emit_text(rest);
  pending_.clear();
  at_ = 0;
  out_ = nullptr;
}

/// Passes text on up to the next marker, or up to where one may begin. False: more text is needed.
bool CallReader::advance_text() {
  if (after_call_) {
    while (at_ < pending_.size() && is_white_space(pending_[at_])) ++at_;
    if (at_ == pending_.size()) return false;
  }
  const Found found = find_marker();
  if (!found.marker) {
    const size_t ready = pending_.size() - at_ - held_back();
    emit_text(std::string_view(pending_).substr(at_, ready));
    at_ += ready;
    return false;
  }
  if (found.marker->form) {
    begin_call(found);
  } else {
    emit_text(std::string_view(pending_).substr(at_, found.at - at_));
    at_ = found.at + found.marker->text.size();
  }
  return true;
}

CallReader::Found CallReader::find_marker() const {
  const std::string_view text(pending_);
  size_t first = at_;
  while (first < text.size() && is_white_space(text[first])) ++first;
  Found best{std::string_view::npos, nullptr};
  for (const Marker& marker : markers_) {
    size_t at = std::string_view::npos;
    if (!marker.leading) {
      at = text.find(marker.text, at_);
    } else if (leading_ && text.substr(first).starts_with(marker.text)) {
      at = first;
    }
    if (at < best.at) best = {at, &marker};
  }
  return best;
}

/// How much of the end of the pending text may be the beginning of a marker, with the white space before it.
size_t CallReader::held_back() const {
  const std::string_view text = std::string_view(pending_).substr(at_);
  size_t held = 0;
  for (const Marker& marker : markers_) {
    const size_t part = partial_suffix(text, marker.text);
    const bool possible =
        !marker.leading ||
        (leading_ && std::all_of(text.begin(), text.end() - static_cast<ptrdiff_t>(part), is_white_space));
    if (possible) held = std::max(held, part);
  }
  return held + trailing_white_space(text.substr(0, text.size() - held));
}

void CallReader::begin_call(const Found& found) {
  const std::string_view before = std::string_view(pending_).substr(at_, found.at - at_);
  const size_t white = trailing_white_space(before);
  emit_text(before.substr(0, before.size() - white));
  source_ = before.substr(before.size() - white);
  source_ += found.marker->text;
  at_ = found.at + found.marker->text.size();
  warn_ = true;
  last_ = Last::kNone;
  form_ = found.marker->form;
  form_->begin(found.marker->text, *this);
}

void CallReader::advance_call() {
  while (at_ < pending_.size()) {
    if (source_.size() >= limits::kMaxToolCallBytes) {
      form_ = nullptr;
      return give_up(fmt::format("longer than {} bytes", limits::kMaxToolCallBytes));
    }
    // close() inside take() empties the source, so the byte goes in first.
    source_ += pending_[at_];
    const Form::Step step = form_->take(pending_[at_], *this);
    if (step == Form::Step::kMore || step == Form::Step::kDone) ++at_;
    if (step == Form::Step::kMore) continue;
    form_ = nullptr;
    if (step != Form::Step::kDone) source_.pop_back();
    if (step != Form::Step::kBad) return end_section();
    if (last_ == Last::kWhole && !open_) return unread();
    return give_up("it does not have the form of one");
  }
}

/// What looked like an end marker behind a complete call was none; it may be the beginning of something else.
void CallReader::unread() { pending_.replace(0, std::exchange(at_, 0), std::exchange(source_, {})); }

/// Drops what frames the section, unless what it framed went out as text.
void CallReader::end_section() {
  if (last_ == Last::kNone) return give_up("it holds no call");
  const std::string rest = std::exchange(source_, {});
  if (last_ == Last::kLeftAsText) emit_text(rest);
}

const Tool* CallReader::open(std::string_view name, std::string id) {
  open_ = true;
  warn_ = true;
  announced_ = false;
  refusal_.clear();
  const auto tool = std::find_if(tools_.begin(), tools_.end(), [&](const Tool& t) { return t.name == name; });
  if (tool == tools_.end()) {
    refusal_ = fmt::format("there is no tool \"{}\"", name.substr(0, limits::kMaxToolNameBytes));
    return nullptr;
  }
  if (!parallel_ && whole_ > 0) {
    refusal_ = "only one call was allowed";
    return &*tool;
  }
  id_ = id.empty() ? make_id_() : std::move(id);
  Event event{.kind = Event::Kind::kToolCall};
  event.index = index_++;
  event.id = id_;
  event.name = tool->name;
  out_->push_back(std::move(event));
  announced_ = true;
  return &*tool;
}

void CallReader::arguments(std::string_view json) {
  if (announced_ && !json.empty()) emit(Event::Kind::kToolArguments, json);
}

void CallReader::close() {
  if (announced_) {
    ++whole_;
    last_ = Last::kWhole;
    open_ = announced_ = false;
    leading_ = false;
    after_call_ = true;
    warn_ = false;
    source_.clear();
  } else {
    last_ = Last::kLeftAsText;
    give_up(refusal_);
  }
}

/// The source of what is being read goes out as the text it is.
void CallReader::give_up(std::string_view reason) {
  // White space behind a complete call goes with the call.
  const bool leftover = last_ == Last::kWhole && !open_ && std::all_of(source_.begin(), source_.end(), is_white_space);
  if (warn_) {
    Event event{.kind = Event::Kind::kWarning};
    event.text = fmt::format("a tool call was left as text: {}", reason);
    if (announced_) event.id = id_;
    out_->push_back(std::move(event));
  }
  open_ = announced_ = warn_ = false;
  const std::string source = std::exchange(source_, {});
  if (!leftover) emit_text(source);
}

void CallReader::emit_text(std::string_view text) {
  if (text.empty()) return;
  if (!std::all_of(text.begin(), text.end(), is_white_space)) leading_ = after_call_ = false;
  emit(Event::Kind::kText, text);
}

void CallReader::emit(Event::Kind kind, std::string_view text) {
  const uint32_t index = kind == Event::Kind::kToolArguments ? index_ - 1 : 0;
  if (!out_->empty() && out_->back().kind == kind && out_->back().index == index) {
    out_->back().text += text;
    return;
  }
  Event event{.kind = kind};
  event.text = text;
  event.index = index;
  out_->push_back(std::move(event));
}

}  // namespace shenbi::chat
