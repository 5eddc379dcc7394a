// Runs a compiled pattern.
//
// The machine keeps a stack of things to try when the present path fails. Three memories make it linear:
//  1. a run (`\p{L}*`) remembers the stretch it last scanned, so that a scan from inside it is free;
//  2. a run remembers the interval of end positions from which the rest of the pattern is known to fail;
//  3. after kPatience steps a character, each split and run that is entered leaves a marker below its alternatives;
//  when
//     the marker comes up, everything above has failed, and (slot, position) is marked so for good. Inside a lookahead,
//     which only says yes or no, markers still on the stack at its success are marked as succeeding.
// Markers depend on the text alone, not on where the scan began, so they serve the whole text.

#include <algorithm>
#include <bit>

#include "base/utf8.h"
#include "tokenizers/regex_program.h"

namespace shenbi::tokenizers {
namespace {

constexpr uint64_t kPatience = 64;  // steps a character that honest patterns stay below; real ones take 3 to 12

struct Frame {
  enum Kind : uint8_t { kResume, kRunShorter, kRunLonger, kMarker } kind;
  uint32_t pc;
  size_t position;  // where to resume; for runs the end tried last
  size_t bound;     // kRunShorter: shortest end allowed
  uint64_t left;    // kRunLonger: characters that may still be added
  size_t longest;   // kRunShorter: the end tried first
};

struct Stretch {
  size_t begin = 1, end = 0;  // empty
};

// Two bits for each (slot, position), in pages so that only visited parts of a long text cost memory.
class Outcomes {
 public:
  enum : uint8_t { kUnknown = 0, kFails = 1, kSucceeds = 2 };
  Outcomes(uint32_t slots, size_t positions) : slots_(slots), pages_(((positions >> kPageBits) + 1) * slots) {}

  uint8_t get(uint32_t slot, size_t position) const noexcept {
    const auto& page = pages_[(position >> kPageBits) * slots_ + slot];
    return page.empty() ? 0 : (page[word(position)] >> shift(position)) & 3;
  }
  void set(uint32_t slot, size_t position, uint8_t outcome) {
    auto& page = pages_[(position >> kPageBits) * slots_ + slot];
    if (page.empty()) page.resize(kPage / 32);
    page[word(position)] |= static_cast<uint64_t>(outcome) << shift(position);
  }

 private:
  static constexpr size_t kPageBits = 12, kPage = 1 << kPageBits;
  static size_t word(size_t position) noexcept { return (position & (kPage - 1)) / 32; }
  static unsigned shift(size_t position) noexcept { return (position & 31) * 2; }
  uint32_t slots_;
  std::vector<std::vector<uint64_t>> pages_;
};

// Start of the character that ends at `position` > 0.
size_t previous(std::string_view text, size_t position) noexcept {
  size_t lead = position - 1;
  while (lead > 0 && position - lead < 4 && (static_cast<uint8_t>(text[lead]) & 0xC0) == 0x80) --lead;
  return lead + decode_utf8(text, lead).length == position ? lead : position - 1;
}

}  // namespace

class Regex::Scanner::Machine {
 public:
  Machine(const Program& program, std::string_view text)
      : program_(program), text_(text), scanned_(program.slots), futile_(program.slots) {}

  std::optional<size_t> match_at(size_t position);
  uint64_t steps() const noexcept { return steps_; }

 private:
  bool run(uint32_t pc, size_t position, bool looking, size_t& end);
  bool resume(size_t base, uint32_t& pc, size_t& position);
  bool enter_run(const RegexInstruction& in, uint32_t pc, size_t& position);
  bool holds(const RegexInstruction& in, size_t position);
  bool may_take(const RegexInstruction& in, uint32_t pc, size_t position, bool looking, bool& known_success);
  size_t scan(const RegexInstruction& in, size_t position, uint32_t max);
  char32_t at(size_t position, size_t& length) const noexcept {
    const auto byte = static_cast<uint8_t>(text_[position]);
    if (byte < 0x80) {
      length = 1;
      return byte;
    }
    const Utf8Char c = decode_utf8(text_, position);
    length = c.length;
    return c.code_point;
  }
  bool in_set(uint16_t set, size_t position) const noexcept {
    size_t length;
    return position < text_.size() && program_.sets[set].contains(at(position, length));
  }

  const Program& program_;
  std::string_view text_;
  uint64_t steps_ = 0;
  std::vector<Frame> stack_;
  std::vector<Stretch> scanned_, futile_;
  std::optional<Outcomes> outcomes_;
};

std::optional<size_t> Regex::Scanner::Machine::match_at(size_t position) {
  size_t end = 0;
  if (program_.alternatives.empty()) {
    if (run(program_.start, position, false, end)) return end;
    return std::nullopt;
  }
  size_t row = 129;
  if (position < text_.size()) row = std::min<size_t>(static_cast<uint8_t>(text_[position]), 128);
  for (uint32_t viable = program_.viable[row]; viable != 0; viable &= viable - 1) {
    if (run(program_.alternatives[std::countr_zero(viable)], position, false, end)) return end;
  }
  return std::nullopt;
}

// Executes from pc until the pattern matches or nothing is left to try.
bool Regex::Scanner::Machine::run(uint32_t pc, size_t position, bool looking, size_t& end) {
  const size_t base = stack_.size();
  for (;;) {
    ++steps_;
    if (!outcomes_ && steps_ > kPatience * (text_.size() + 64)) outcomes_.emplace(program_.slots, text_.size() + 1);
    const RegexInstruction& in = program_.code[pc];
    bool alive = true, known_success = false;
    switch (in.op) {
      case RegexOp::kRun:
        alive = may_take(in, pc, position, looking, known_success) && enter_run(in, pc, position);
        ++pc;
        break;
      case RegexOp::kSplit:
        alive = may_take(in, pc, position, looking, known_success);
        if (alive) stack_.push_back({Frame::kResume, in.b, position, 0, 0, 0});
        pc = in.a;
        break;
      case RegexOp::kJump:
        pc = in.a;
        break;
      case RegexOp::kMatch:
        known_success = true;
        break;
      default:
        alive = holds(in, position);
        pc = in.op == RegexOp::kLook ? in.b : pc + 1;
    }
    if (known_success) {
      end = position;
      if (looking && outcomes_) {
        for (size_t i = base; i < stack_.size(); ++i) {
          const Frame& frame = stack_[i];
          if (frame.kind == Frame::kMarker)
            outcomes_->set(program_.code[frame.pc].slot, frame.position, Outcomes::kSucceeds);
        }
      }
      stack_.resize(base);
      return true;
    }
    if (!alive && !resume(base, pc, position)) return false;
  }
}

// Takes up the next alternative; false when none is left above `base`.
bool Regex::Scanner::Machine::resume(size_t base, uint32_t& pc, size_t& position) {
  while (stack_.size() > base) {
    Frame& frame = stack_.back();
    const RegexInstruction& in = program_.code[frame.pc];
    switch (frame.kind) {
      case Frame::kMarker:
        outcomes_->set(in.slot, frame.position, Outcomes::kFails);
        stack_.pop_back();
        break;
      case Frame::kResume:
        pc = frame.pc;
        position = frame.position;
        stack_.pop_back();
        return true;
      case Frame::kRunShorter: {
        // The end at frame.position has failed, and so would every end in the futile stretch around it.
        Stretch& futile = futile_[in.slot];
        size_t failed = frame.position;
        if (futile.begin <= failed && failed <= futile.end) failed = std::min(failed, futile.begin);
        if (failed <= frame.bound) {
          const bool touches = futile.begin <= frame.longest && frame.bound <= futile.end;
          futile = {touches ? std::min(futile.begin, frame.bound) : frame.bound,
                    touches ? std::max(futile.end, frame.longest) : frame.longest};
          stack_.pop_back();
          break;
        }
        ++steps_;
        frame.position = previous(text_, failed);
        position = frame.position;
        pc = frame.pc + 1;
        return true;
      }
      case Frame::kRunLonger: {
        size_t length = 0;
        if (frame.left == 0 || frame.position >= text_.size() ||
            !program_.sets[in.set].contains(at(frame.position, length))) {
          stack_.pop_back();
          break;
        }
        --frame.left;
        frame.position += length;
        position = frame.position;
        pc = frame.pc + 1;
        return true;
      }
    }
  }
  return false;
}

// False if this instruction is known to fail here. Leaves a marker otherwise, once memory 3 is on.
bool Regex::Scanner::Machine::may_take(const RegexInstruction& in, uint32_t pc, size_t position, bool looking,
                                       bool& known_success) {
  if (!outcomes_) return true;
  const uint8_t outcome = outcomes_->get(in.slot, position);
  if (outcome == Outcomes::kFails) return false;
  known_success = looking && outcome == Outcomes::kSucceeds;
  stack_.push_back({Frame::kMarker, pc, position, 0, 0, 0});
  return true;
}

// Where the run of `set` that begins at `position` ends, after at most `max` characters.
size_t Regex::Scanner::Machine::scan(const RegexInstruction& in, size_t position, uint32_t max) {
  Stretch& known = scanned_[in.slot];
  if (max == kUnlimited && known.begin <= position && position <= known.end) return known.end;
  const CharSet& set = program_.sets[in.set];
  size_t end = position;
  for (uint32_t count = 0; count < max && end < text_.size(); ++count) {
    if (end == known.begin && max == kUnlimited && known.end > known.begin) {  // met from the left
      known.begin = position;
      return known.end;
    }
    size_t length;
    if (!set.contains(at(end, length))) break;
    end += length;
  }
  steps_ += (end - position) / 16;  // scanning is cheap, but not free
  if (max == kUnlimited) known = {position, end};
  return end;
}

bool Regex::Scanner::Machine::enter_run(const RegexInstruction& in, uint32_t pc, size_t& position) {
  const CharSet& set = program_.sets[in.set];
  size_t shortest = position;
  for (uint32_t count = 0; count < in.min; ++count) {
    size_t length;
    if (shortest >= text_.size() || !set.contains(at(shortest, length))) return false;
    shortest += length;
  }
  const uint32_t more = in.max == kUnlimited ? kUnlimited : in.max - in.min;
  if (in.repeat == Repeat::kLazy) {
    if (more > 0) stack_.push_back({Frame::kRunLonger, pc, shortest, 0, more, 0});
    position = shortest;
    return true;
  }
  const size_t longest = more == 0 ? shortest : scan(in, shortest, more);
  size_t first = longest;
  if (longest > shortest && in.repeat == Repeat::kGreedy) {
    const Stretch& futile = futile_[in.slot];
    if (futile.begin <= longest && longest <= futile.end) {
      if (futile.begin <= shortest) return false;
      first = previous(text_, futile.begin);
    }
    stack_.push_back({Frame::kRunShorter, pc, first, shortest, 0, longest});
  }
  position = first;
  return true;
}

bool Regex::Scanner::Machine::holds(const RegexInstruction& in, size_t position) {
  const auto newline_at = [&](size_t i) { return i < text_.size() && text_[i] == '\n'; };
  switch (in.op) {
    case RegexOp::kLook: {
      size_t end = 0;
      return run(in.a, position, true, end) != in.negative;
    }
    case RegexOp::kPeek:
      return in_set(in.set, position) != in.negative;
    case RegexOp::kBehind:
      return (position > 0 && in_set(in.set, previous(text_, position))) != in.negative;
    case RegexOp::kLineStart:
      return position == 0 || text_[position - 1] == '\n';
    case RegexOp::kLineEnd:
      return position == text_.size() || newline_at(position);
    case RegexOp::kTextStart:
      return position == 0;
    case RegexOp::kTextEnd:
      return position == text_.size();
    case RegexOp::kTextEndOrFinalNewline:
      return position == text_.size() || (position + 1 == text_.size() && newline_at(position));
    case RegexOp::kWordEdge: {
      const bool before = position > 0 && in_set(in.set, previous(text_, position));
      return (before != in_set(in.set, position)) != in.negative;
    }
    default:
      return false;
  }
}

Regex::Scanner::Scanner(const Regex& regex, std::string_view text)
    : machine_(std::make_unique<Machine>(*regex.program_, text)), text_(text) {}
Regex::Scanner::~Scanner() = default;
uint64_t Regex::Scanner::steps() const noexcept { return machine_->steps(); }

std::optional<Regex::Match> Regex::Scanner::next() {
  while (position_ <= text_.size()) {
    const size_t begin = position_;
    const std::optional<size_t> end = machine_->match_at(begin);
    if (end && (*end > begin || last_end_ != begin)) {
      // After an empty match the scan still goes on from its own end; the next empty one there is then skipped.
      position_ = last_end_.emplace(*end);
      return Match{begin, *end};
    }
    position_ = begin < text_.size() ? begin + decode_utf8(text_, begin).length : begin + 1;
  }
  return std::nullopt;
}

}  // namespace shenbi::tokenizers
