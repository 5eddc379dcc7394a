#pragma once
// A compiled grammar: a recursive transition network over bytes.
//
// A rule is an automaton whose states have byte edges, silent edges and calls: a call runs another rule and goes on at
// its `back` state. Reading needs a stack of back states. The builder guarantees what the reader relies on:
//   - every state can reach the end of its rule (nothing leads into a dead end),
//   - no rule calls itself before it has read a byte (left recursion is rewritten or refused), so following silent
//   edges
//     and calls from a state ends,
//   - the states of a rule are numbered in the order of a walk from its start, so equal rules look equal in any
//   grammar.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "grammar/grammar.h"
#include "grammar/rules.h"

namespace shenbi::grammar {

using StateId = uint32_t;

struct ByteEdge {
  uint8_t low, high;
  StateId target;
};

struct CallEdge {
  RuleId rule;
  StateId back;
};

struct ProgramState {
  uint32_t edges = 0, calls = 0, silent = 0;  ///< where this state's begin; the next state's begin where they end
  RuleId rule = 0;
  uint16_t need = 0;          ///< most rules open at once (above this one) on the flattest way to the rule's end
  bool final = false;         ///< the rule may end here
  bool only_returns = false;  ///< nothing but the rule's end is left: a call with this `back` need not come back
  StateId like = 0;           ///< a state that does the same as long as no more than `horizon` bytes are read
  uint32_t horizon = 0;
};

struct Grammar::Program {
  struct RuleInfo {
    StateId first = 0, end = 0;  ///< its states
    std::string name;
  };

  uint64_t id = 0;                   ///< differs between programs of one process
  std::vector<ProgramState> states;  ///< and one more that only ends the lists of the last
  std::vector<ByteEdge> edges;
  std::vector<CallEdge> calls;
  std::vector<StateId> silent;
  std::vector<RuleInfo> rules;            ///< the start is rule 0, its start state is state 0
  std::array<uint8_t, 256> byte_class{};  ///< bytes that no edge tells apart share a class
  std::vector<uint8_t> class_byte;        ///< one byte of each class

  /// The rule and all that it calls, written out, if that is at most a few hundred states; "" otherwise. Two states
  /// with equal text and equal place in it allow the same continuations, whatever grammar they are in.
  std::string text_of(RuleId rule) const;

  size_t bytes() const noexcept {
    return states.size() * sizeof(ProgramState) + edges.size() * sizeof(ByteEdge) + calls.size() * sizeof(CallEdge) +
           silent.size() * sizeof(StateId) + rules.size() * (sizeof(RuleInfo) + 32);
  }
};

/// Throws Error{kInvalidArgument} if the rules match nothing, Error{kUnsupported} if they are too large or
/// left-recursive in a way that cannot be rewritten. `what` begins every message.
std::shared_ptr<const Grammar::Program> build_program(const Rules& rules, std::string_view what);

}  // namespace shenbi::grammar
