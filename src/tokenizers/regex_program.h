#pragma once
// What a pattern is compiled to. Instructions run one after the other from `start`; a split, a run or a lookahead names
// where to go. Private to the regex engine.

#include "tokenizers/regex.h"

namespace shenbi::tokenizers {

enum class RegexOp : uint8_t {
  kRun,     // `min`..`max` characters of `set`, then the next instruction
  kSplit,   // try `a`, then `b`
  kJump,    // to `a`
  kLook,    // the program at `a` matches here (or does not, if `negative`); continue at `b`
  kPeek,    // the next character is in `set` (or is not / there is none, if `negative`)
  kBehind,  // the same for the character before
  kLineStart,
  kLineEnd,
  kTextStart,
  kTextEnd,
  kTextEndOrFinalNewline,
  kWordEdge,  // \b, or \B if `negative`; `set` holds the word characters
  kMatch,
};

enum class Repeat : uint8_t { kGreedy, kLazy, kPossessive };

struct RegexInstruction {
  RegexOp op = RegexOp::kMatch;
  Repeat repeat = Repeat::kGreedy;
  bool negative = false;
  uint16_t set = 0;
  uint32_t min = 0, max = 0;
  uint32_t a = 0, b = 0;
  uint32_t slot = 0;  // kRun, kSplit: row of the memory; see Machine
};

inline constexpr uint32_t kUnlimited = UINT32_MAX;

struct Regex::Program {
  std::vector<RegexInstruction> code;
  std::vector<CharSet> sets;
  uint32_t start = 0;
  uint32_t slots = 0;  // instructions that can be gone back to

  // The alternatives at the top of the pattern in order, and for each first character below 128 (row 128: any other,
  // row 129: end of text) a bit set of those that can begin there. Empty when there are more than 32: then code[start]
  // decides.
  std::vector<uint32_t> alternatives;
  std::array<uint32_t, 130> viable{};
};

}  // namespace shenbi::tokenizers
