#include "engine/thinking_limit.h"

#include <algorithm>

namespace shenbi::engine {

ThinkingWatch::ThinkingWatch(ThinkingLimit limit) : limit_(std::move(limit)) {
  if (limit_.end.empty() || limit_.closing.empty()) return;
  if (!limit_.open && limit_.begin.empty()) return;
  state_ = limit_.open ? State::kThinking : State::kBefore;
  if (limit_.open && limit_.tokens == 0) state_ = State::kClosing;
}

std::optional<int32_t> ThinkingWatch::forced() const noexcept {
  if (state_ != State::kClosing) return std::nullopt;
  return limit_.closing[closed_];
}

void ThinkingWatch::push(std::string_view text) {
  switch (state_) {
    case State::kBefore:
      return begin_with(text);
    case State::kThinking:
      seen_ += text;
      return count();
    case State::kClosing:
      if (++closed_ == limit_.closing.size()) state_ = State::kOver;
      return;
    case State::kOver:
      return;
  }
}

void ThinkingWatch::begin_with(std::string_view text) {
  seen_ += text;
  seen_.erase(0, std::min(seen_.find_first_not_of(" \n\t\r"), seen_.size()));
  if (seen_.starts_with(limit_.begin)) {
    seen_.erase(0, limit_.begin.size());
    state_ = limit_.tokens == 0 ? State::kClosing : State::kThinking;
  } else if (!limit_.begin.starts_with(seen_)) {
    state_ = State::kOver;
  }
}

void ThinkingWatch::count() {
  if (seen_.find(limit_.end) != std::string::npos) {
    state_ = State::kOver;
    return;
  }
  if (seen_.size() >= limit_.end.size()) seen_.erase(0, seen_.size() - limit_.end.size() + 1);
  if (++tokens_ >= limit_.tokens) state_ = State::kClosing;
}

}  // namespace shenbi::engine
