#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "grammar/automaton.h"

namespace shenbi::grammar {
namespace {

constexpr size_t kMaxForcedBytes = 4096;  // as much as one prefill chunk of text; more is found by asking again

}  // namespace

struct Matcher::Impl {
  std::shared_ptr<Automaton> automaton;
  Automaton::Cursor cursor;
  bool ended = false;  // an end token was accepted

  std::unique_lock<std::mutex> enter() {
    std::unique_lock lock(automaton->mutex());
    automaton->refresh(cursor);
    return lock;
  }
  bool is_end(int32_t token) const {
    const auto& ends = automaton->trie().end_tokens;
    return std::find(ends.begin(), ends.end(), token) != ends.end();
  }
  bool accept(std::string_view bytes) {
    if (ended) return bytes.empty();
    const PlaceId to = cursor.machine->step(cursor.place, bytes);
    if (to == 0) return false;
    cursor.place = to;
    return true;
  }
};

Matcher::Matcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenVocabulary> vocabulary)
    : impl_(std::make_unique<Impl>()) {
  impl_->automaton = Automaton::shared(grammar->program(), std::move(vocabulary));
  const std::lock_guard lock(impl_->automaton->mutex());
  impl_->cursor = impl_->automaton->start();
}
Matcher::~Matcher() = default;
Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&&) noexcept = default;

void Matcher::allowed(std::span<uint64_t> mask) {
  const auto lock = impl_->enter();
  const size_t words = (impl_->automaton->trie().vocab_size + 63) / 64;
  if (mask.size() != words) {
    throw Error(Code::kInvalidArgument, fmt::format("grammar: a mask of {} words, expected {}", mask.size(), words));
  }
  if (impl_->ended) {
    std::fill(mask.begin(), mask.end(), 0);
  } else {
    impl_->automaton->allowed(impl_->cursor, mask);
  }
}

bool Matcher::accept(int32_t token) {
  const auto lock = impl_->enter();
  if (impl_->is_end(token)) {
    if (impl_->ended || !impl_->cursor.machine->can_end(impl_->cursor.place)) return false;
    return impl_->ended = true;
  }
  const std::string_view bytes = impl_->automaton->trie().bytes_of(token);
  return !bytes.empty() && impl_->accept(bytes);
}

bool Matcher::accept_text(std::string_view bytes) {
  const auto lock = impl_->enter();
  return impl_->accept(bytes);
}

bool Matcher::can_end() const {
  const auto lock = impl_->enter();
  return impl_->ended || impl_->cursor.machine->can_end(impl_->cursor.place);
}

bool Matcher::must_end() const {
  const auto lock = impl_->enter();
  return impl_->ended || impl_->cursor.machine->count_bytes(impl_->cursor.place) == 0;
}

std::string Matcher::forced_text() const {
  const auto lock = impl_->enter();
  Machine& machine = *impl_->cursor.machine;
  std::string text;
  PlaceId place = impl_->ended ? 0 : impl_->cursor.place;
  while (place != 0 && text.size() < kMaxForcedBytes && !machine.can_end(place)) {
    const auto byte = machine.only_byte(place);
    if (!byte) break;
    text += static_cast<char>(*byte);
    place = machine.step(place, *byte);
  }
  text.resize(text.size() - incomplete_utf8_tail(text));  // "é" and "è" share a byte: nothing is forced yet
  return text;
}

}  // namespace shenbi::grammar
