// Rules to a network.
//
// Each expression is appended behind a state and gives the state where it ends (Thompson's construction with as few
// silent edges as that allows). Three things keep networks small:
//   - alternatives that are plain texts share their beginnings (a trie): 10^5 enum values are one branching path,
//   - characters beyond ASCII are a call to a rule shared by all uses of the same set,
//   - a repeated part of more than a few states becomes a rule, so {1,1000} costs a thousand calls, not copies.
// Counted repeats are copies in a row. A copy far enough from where the count matters does what the first one does;
// this is noted (`like`, `horizon`), so that masks inside a string of up to 10,000 characters are found once and not
// 10,000 times.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "base/error.h"
#include "base/limits.h"
#include "grammar/network.h"

namespace shenbi::grammar {

StateId Network::add_state() {
  if (states.size() >= limits::kMaxGrammarStates) {
    throw Error(Code::kUnsupported, fmt::format("grammar: needs more than {} automaton states (large repeat counts and "
                                                "long lists of alternatives cost most)",
                                                limits::kMaxGrammarStates));
  }
  states.emplace_back();
  return static_cast<StateId>(states.size() - 1);
}

namespace {

constexpr size_t kRepeatInline = 12;  // states of a part that is still copied: a character class with its UTF-8 call

class NetworkBuilder {
 public:
  explicit NetworkBuilder(const Rules& rules) : rules_(rules), nullable_(nullable_exprs(rules)) {}

  Network build() {
    for (const Rule& rule : rules_.all) declare(rule.name);
    for (RuleId rule = 0; rule < rules_.all.size(); ++rule) pending_.push_back({rule, rules_.all[rule].body, {}});
    while (!pending_.empty()) {
      const Pending next = std::move(pending_.back());
      pending_.pop_back();
      if (next.body == kNoExpr) {
        emit_sequences(next.sequences, network_.starts[next.rule], add_end());
      } else {
        const StateId end = emit(next.body, network_.starts[next.rule]);
        network_.states[end].final = true;
      }
    }
    return std::move(network_);
  }

 private:
  struct Pending {
    RuleId rule;
    ExprId body;
    std::vector<Utf8Sequence> sequences;  // instead of a body
  };
  NetworkState& at(StateId s) { return network_.states[s]; }

  RuleId declare(std::string name) {
    network_.names.push_back(std::move(name));
    network_.starts.push_back(network_.add_state());
    return static_cast<RuleId>(network_.starts.size() - 1);
  }
  StateId add_end() {
    const StateId end = network_.add_state();
    at(end).final = true;
    return end;
  }
  void byte_edge(StateId from, uint8_t low, uint8_t high, StateId to) { at(from).edges.push_back({low, high, to}); }

  StateId emit(ExprId id, StateId from) {
    const Expr& e = rules_.at(id);
    switch (e.kind) {
      case Expr::kNever:
        return network_.add_state();  // nothing leads there
      case Expr::kEmpty:
        return from;
      case Expr::kLiteral:
        for (const char c : rules_.literal_of(e)) {
          const StateId next = network_.add_state();
          byte_edge(from, static_cast<uint8_t>(c), static_cast<uint8_t>(c), next);
          from = next;
        }
        return from;
      case Expr::kSet:
        return emit_set(e.value, rules_.set_of(e), from);
      case Expr::kSequence:
        for (const ExprId part : e.children) from = emit(part, from);
        return from;
      case Expr::kChoice:
        return emit_choice(e, from);
      case Expr::kRepeat:
        return emit_repeat(e, from);
      case Expr::kCall:
        return emit_call(e.value, from);
    }
    return from;
  }

  StateId emit_call(RuleId rule, StateId from) {
    const StateId back = network_.add_state();
    at(from).calls.push_back({rule, back});
    return back;
  }

  StateId emit_set(uint32_t index, const CodeSet& set, StateId from) {
    const StateId end = network_.add_state();
    const CodeSet beyond_ascii = set & CodeSet({{0x80, 0x10FFFF}});
    for (const Utf8Sequence& s : utf8_sequences(set - beyond_ascii)) {
      byte_edge(from, s.bytes[0].low, s.bytes[0].high, end);
    }
    if (beyond_ascii.empty()) return end;
    const RuleId rule = set_rule(beyond_ascii);
    at(from).calls.push_back({rule, end});
    return end;
  }
  RuleId set_rule(const CodeSet& beyond_ascii) {
    if (beyond_ascii.empty()) return 0;
    const auto [rule, fresh] = set_rules_.try_emplace(beyond_ascii, 0);
    if (fresh) {
      rule->second = declare("characters");
      pending_.push_back({rule->second, kNoExpr, utf8_sequences(beyond_ascii)});
    }
    return rule->second;
  }

  // Sequences in order, so equal first ranges lie side by side. What may follow is shared between equal first ranges'
  // rests, by their content.
  void emit_sequences(const std::vector<Utf8Sequence>& sequences, StateId from, StateId end) {
    std::map<std::vector<uint8_t>, StateId> rests;
    emit_level(sequences, 0, from, end, rests);
  }
  void emit_level(std::span<const Utf8Sequence> sequences, size_t depth, StateId from, StateId end,
                  std::map<std::vector<uint8_t>, StateId>& rests) {
    for (size_t i = 0; i < sequences.size();) {
      const auto [low, high] = sequences[i].bytes[depth];
      size_t last = i;
      while (last < sequences.size() && sequences[last].bytes[depth].low == low &&
             sequences[last].bytes[depth].high == high && sequences[last].length == sequences[i].length) {
        ++last;
      }
      const auto group = sequences.subspan(i, last - i);
      i = last;
      if (group[0].length == depth + 1) {
        byte_edge(from, low, high, end);
        continue;
      }
      std::vector<uint8_t> key;
      for (const Utf8Sequence& s : group) {
        for (size_t k = depth + 1; k < s.length; ++k) key.insert(key.end(), {s.bytes[k].low, s.bytes[k].high});
        key.push_back(0);
      }
      const auto [rest, fresh] = rests.try_emplace(std::move(key), 0);
      if (fresh) {
        const StateId next = network_.add_state();
        rest->second = next;
        emit_level(group, depth + 1, next, end, rests);
      }
      byte_edge(from, low, high, rests.find(rest->first)->second);
    }
  }

  StateId emit_choice(const Expr& e, StateId from) {
    const StateId end = network_.add_state();
    std::vector<std::string_view> texts;
    for (const ExprId child : e.children) {
      const Expr& alternative = rules_.at(child);
      if (alternative.kind == Expr::kLiteral) {
        texts.push_back(rules_.literal_of(alternative));
      } else {
        const StateId last = emit(child, from);
        at(last).silent.push_back(end);
      }
    }
    std::sort(texts.begin(), texts.end());
    emit_texts(texts, from, end);
    return end;
  }

  // Sorted texts as a trie: each shares the path of its predecessor as far as both agree.
  void emit_texts(const std::vector<std::string_view>& texts, StateId from, StateId end) {
    std::vector<StateId> path = {from};
    std::string_view before;
    for (size_t i = 0; i < texts.size(); ++i) {
      if (i > 0 && texts[i] == before) continue;
      size_t shared = 0;
      while (shared < std::min(before.size(), texts[i].size()) && before[shared] == texts[i][shared]) ++shared;
      path.resize(shared + 1);
      for (size_t k = shared; k < texts[i].size(); ++k) {
        const auto byte = static_cast<uint8_t>(texts[i][k]);
        path.push_back(network_.add_state());
        byte_edge(path[k], byte, byte, path[k + 1]);
      }
      at(path.back()).silent.push_back(end);
      before = texts[i];
    }
  }

  // About how many states a copy takes; stops counting where it no longer matters.
  size_t cost(ExprId id) const {
    const Expr& e = rules_.at(id);
    if (e.kind == Expr::kLiteral) return rules_.literal_of(e).size();
    if (e.kind == Expr::kRepeat && e.max > kRepeatInline && e.max != kUnbounded) return kRepeatInline + 1;
    size_t sum = 1;
    for (const ExprId child : e.children) {
      sum += cost(child) * (e.kind == Expr::kRepeat ? std::max<size_t>(1, e.max == kUnbounded ? e.min + 1 : e.max) : 1);
      if (sum > kRepeatInline) break;
    }
    return sum;
  }

  // A part that is emitted more than once and is not small is emitted once, as a rule.
  bool becomes_rule(const Expr& repeat) const {
    const uint64_t copies = repeat.max == kUnbounded ? uint64_t{repeat.min} + 1 : repeat.max;
    return copies > 1 && cost(repeat.children[0]) > kRepeatInline;
  }
  RuleId part_rule(ExprId part) {
    const auto [rule, fresh] = part_rules_.try_emplace(part, 0);
    if (fresh) {
      rule->second = declare("repeated");
      pending_.push_back({rule->second, part, {}});
    }
    return rule->second;
  }
  // Declares what copies of `id` will call, so that all copies take equally many states.
  void prepare(ExprId id) {
    const Expr& e = rules_.at(id);
    if (e.kind == Expr::kSet) set_rule(rules_.set_of(e) & CodeSet({{0x80, 0x10FFFF}}));
    if (e.kind == Expr::kRepeat && becomes_rule(e)) {
      part_rule(e.children[0]);
    } else {
      for (const ExprId child : e.children) prepare(child);
    }
  }

  StateId emit_repeat(const Expr& e, StateId from) {
    const ExprId part = e.children[0];
    const bool unbounded = e.max == kUnbounded, as_rule = becomes_rule(e);
    const auto emit_part = [&](StateId s) { return as_rule ? emit_call(part_rule(part), s) : emit(part, s); };
    const uint32_t copies = unbounded ? e.min : e.max;
    if (as_rule)
      part_rule(part);
    else
      prepare(part);
    const StateId end = network_.add_state();
    std::vector<StateId> begins;  // of each copy's states
    for (uint32_t i = 0; i < copies; ++i) {
      if (i >= e.min) at(from).silent.push_back(end);
      begins.push_back(static_cast<StateId>(network_.states.size()));
      from = emit_part(from);
    }
    begins.push_back(static_cast<StateId>(network_.states.size()));
    if (!nullable_[part]) note_likeness(begins, e.min, copies);
    if (unbounded) {
      const StateId loop = network_.add_state();
      at(from).silent.push_back(loop);
      const StateId last = emit_part(loop);
      at(last).silent.push_back(loop);
      from = loop;
    }
    at(from).silent.push_back(end);
    return end;
  }

  // Copy i does what copy 0 does while more required copies follow than bytes are read, and copy i >= min what copy min
  // does while more optional ones follow; each copy reads a byte at least, and takes equally many states in the same
  // order.
  void note_likeness(const std::vector<StateId>& begins, uint32_t min, uint32_t copies) {
    for (uint32_t i = 0; i < copies; ++i) {
      const uint32_t first = i < min ? 0 : min;
      const uint32_t horizon = (i < min ? min : copies) - (i + 1);
      const StateId size = begins[i + 1] - begins[i];
      if (i == first || horizon == 0 || size != begins[first + 1] - begins[first]) continue;
      for (StateId k = 0; k < size; ++k) {
        at(begins[i] + k).like = begins[first] + k;
        at(begins[i] + k).horizon = horizon;
      }
    }
  }

  const Rules& rules_;
  std::vector<bool> nullable_;
  Network network_;
  std::vector<Pending> pending_;
  std::map<CodeSet, RuleId> set_rules_;
  std::map<ExprId, RuleId> part_rules_;
};

}  // namespace

Network build_network(const Rules& rules) { return NetworkBuilder(rules).build(); }

}  // namespace shenbi::grammar
