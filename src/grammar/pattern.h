#pragma once
// Regular expressions, read for what Python, JavaScript and Rust agree on.
//
//   const Pattern pattern = parse_pattern("^[a-z]+$", "schema: #/pattern");
//   ExprId content = pattern_rules(rules, pattern, {.search = true, .encode = ...});
//
// Where dialects differ, a pattern means what every dialect accepts: \d and \w are ASCII, but \D and \W leave out
// digits and letters of all scripts; '.' leaves out every line separator. So a text that is written by the pattern is
// accepted by whoever checks it. Look-around, back references, flags, word boundaries and possessive repeats are
// refused.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/code_set.h"
#include "grammar/rules.h"

namespace shenbi::grammar {

struct Pattern {
  struct Node {
    enum Kind : uint8_t { kEmpty, kSet, kSequence, kChoice, kRepeat, kBegin, kEnd } kind = kEmpty;
    CodeSet set;
    uint32_t min = 0, max = 0;
    std::vector<uint32_t> children;
  };
  std::vector<Node> nodes;
  uint32_t root = 0;

  uint32_t add(Node node) {
    nodes.push_back(std::move(node));
    return static_cast<uint32_t>(nodes.size() - 1);
  }
  /// Any text of min to max characters.
  static Pattern length(uint32_t min, uint32_t max);
  /// Exactly one of the texts.
  static Pattern texts(const std::vector<std::string>& texts);
};

/// Throws Error{kInvalidArgument} or {kUnsupported} "<where>: pattern '...': ...".
Pattern parse_pattern(std::string_view text, std::string_view where);

/// How a set of characters is written in the text that is generated: as itself, or escaped within a JSON string.
using Encode = std::function<ExprId(const CodeSet&)>;

/// Rules for the whole texts that match. With `search` the pattern may match anywhere in them, as JSON Schema wants.
ExprId pattern_rules(Rules& rules, const Pattern& pattern, bool search, const Encode& encode, std::string_view where);

/// Automaton over characters without silent edges: what patterns become where they must be taken together, excluded, or
/// checked. State 0 is the start.
struct TextAutomaton {
  struct Edge {
    CodeSet set;
    uint32_t target;
  };
  struct State {
    std::vector<Edge> edges;
    bool accepts = false;
  };
  std::vector<State> states;
  mutable uint64_t checked = 0;  ///< edges looked at by matches(): what bounds its use with many texts

  /// Throws Error{kUnsupported} "<where>: ..." if it is too large; so do the others.
  static TextAutomaton of(const Pattern& pattern, bool search, std::string_view where);
  /// All texts but these.
  static TextAutomaton except(const std::vector<std::string>& texts);
  /// The texts of both.
  TextAutomaton operator&(const TextAutomaton& other) const;
  bool matches(std::string_view utf8) const;
  bool empty() const;
  ExprId rules(Rules& rules, const Encode& encode) const;
};

}  // namespace shenbi::grammar
