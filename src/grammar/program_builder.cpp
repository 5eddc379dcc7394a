// Rules to network, network to program.
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
#include <atomic>
#include <map>

#include "base/error.h"
#include "base/limits.h"
#include "grammar/network.h"
#include "grammar/program.h"

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

// How flat each state can reach its rule's end: `need` counts the rules open above the state's own. Found level by
// level: a call of a rule with need n can be used from level n + 1 on (level n if nothing but the end is left behind
// it).
class Needs {
 public:
  static constexpr uint16_t kNever = UINT16_MAX;

  Needs(const Network& network, const std::vector<bool>& only_returns)
      : network_(network),
        need_(network.states.size(), kNever),
        before_(network.states.size()),
        started_(network.states.size()),
        sites_(network.starts.size()),
        backs_(network.states.size()) {
    for (RuleId rule = 0; rule < network.starts.size(); ++rule) started_[network.starts[rule]].push_back(rule);
    for (StateId s = 0; s < network.states.size(); ++s) {
      for (const ByteEdge& e : network.states[s].edges) before_[e.target].push_back(s);
      for (const StateId t : network.states[s].silent) before_[t].push_back(s);
      for (const CallEdge& c : network.states[s].calls) {
        sites_[c.rule].push_back({s, c.back, only_returns[c.back]});
        backs_[c.back].push_back({s, c.rule, only_returns[c.back]});
      }
    }
    run();
  }
  uint16_t of(StateId s) const { return need_[s]; }
  uint16_t of_rule(RuleId rule) const { return need_[network_.starts[rule]]; }

 private:
  struct Site {
    StateId from, back;
    bool tail;
  };
  struct Back {
    StateId from;
    RuleId rule;
    bool tail;
  };

  void run() {
    for (StateId s = 0; s < network_.states.size(); ++s) {
      if (network_.states[s].final) mark(s);
    }
    std::vector<RuleId> done;  // rules found on the level before
    for (level_ = 0; level_ <= limits::kMaxGrammarDepth; ++level_) {
      for (const RuleId rule : done) {
        for (const Site& site : sites_[rule]) {
          if (need_[site.back] != kNever) mark(site.from);
        }
      }
      done.clear();
      while (!pending_.empty()) {
        const StateId s = pending_.back();
        pending_.pop_back();
        spread(s, done);
      }
      if (done.empty()) break;
    }
  }
  void spread(StateId s, std::vector<RuleId>& done) {
    for (const StateId t : before_[s]) mark(t);
    for (const RuleId rule : started_[s]) {
      done.push_back(rule);
      for (const Site& site : sites_[rule]) {
        if (site.tail) mark(site.from);
      }
    }
    for (const Back& call : backs_[s]) {
      const uint16_t inner = of_rule(call.rule);
      if (inner != kNever && (call.tail || inner < level_)) mark(call.from);
    }
  }
  void mark(StateId s) {
    if (need_[s] != kNever) return;
    need_[s] = level_;
    pending_.push_back(s);
  }

  const Network& network_;
  std::vector<uint16_t> need_;
  std::vector<std::vector<StateId>> before_;
  std::vector<std::vector<RuleId>> started_;
  std::vector<std::vector<Site>> sites_;
  std::vector<std::vector<Back>> backs_;
  std::vector<StateId> pending_;
  uint16_t level_ = 0;
};

// States from which silent edges lead to the rule's end and to nothing else. Backwards: a state that reads or calls
// spoils itself and all that lead to it silently; the rest, if it reaches an end, only returns.
std::vector<bool> states_that_only_return(const Network& network) {
  const size_t count = network.states.size();
  std::vector<std::vector<StateId>> before(count);
  for (StateId s = 0; s < count; ++s) {
    for (const StateId t : network.states[s].silent) before[t].push_back(s);
  }
  const auto spread = [&](auto&& begins_with) {
    std::vector<bool> marked(count, false);
    std::vector<StateId> pending;
    const auto mark = [&](StateId s) {
      if (marked[s]) return;
      marked[s] = true;
      pending.push_back(s);
    };
    for (StateId s = 0; s < count; ++s) {
      if (begins_with(network.states[s])) mark(s);
    }
    while (!pending.empty()) {
      const StateId s = pending.back();
      pending.pop_back();
      for (const StateId t : before[s]) mark(t);
    }
    return marked;
  };
  const auto busy = spread([](const NetworkState& s) { return !s.edges.empty() || !s.calls.empty(); });
  auto ends = spread([](const NetworkState& s) { return s.final; });
  for (StateId s = 0; s < count; ++s) ends[s] = ends[s] && !busy[s];
  return ends;
}

// Numbers what is reachable and productive, rule by rule, and lays it out.
class Layout {
 public:
  Layout(const Network& network, const std::vector<bool>& only_returns, const Needs& needs)
      : network_(network),
        only_returns_(only_returns),
        needs_(needs),
        number_(network.states.size(), kNone),
        rule_number_(network.starts.size(), kNone) {}

  std::shared_ptr<Grammar::Program> build(RuleId start) {
    rule_id(start);
    for (size_t i = 0; i < rules_.size(); ++i) number_rule(rules_[i]);
    auto program = std::make_shared<Grammar::Program>();
    for (const StateId old : order_) append(old, *program);
    ProgramState end;
    end.edges = static_cast<uint32_t>(program->edges.size());
    end.calls = static_cast<uint32_t>(program->calls.size());
    end.silent = static_cast<uint32_t>(program->silent.size());
    program->states.push_back(end);
    program->rules = std::move(infos_);
    for (RuleId rule = 0; rule < program->rules.size(); ++rule) {
      for (StateId s = program->rules[rule].first; s < program->rules[rule].end; ++s) program->states[s].rule = rule;
    }
    classify(*program);
    return program;
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  bool usable(const CallEdge& call) const {
    return needs_.of_rule(call.rule) != Needs::kNever && needs_.of(call.back) != Needs::kNever;
  }
  RuleId rule_id(RuleId old) {
    if (rule_number_[old] == kNone) {
      rule_number_[old] = static_cast<RuleId>(rules_.size());
      rules_.push_back(old);
    }
    return rule_number_[old];
  }

  void number_rule(RuleId old) {
    const auto first = static_cast<StateId>(order_.size());
    std::vector<StateId> pending = {network_.starts[old]};
    const auto visit = [&](StateId s) {
      if (number_[s] == kNone && needs_.of(s) != Needs::kNever) pending.push_back(s);
    };
    while (!pending.empty()) {
      const StateId s = pending.back();
      pending.pop_back();
      if (number_[s] != kNone) continue;
      number_[s] = static_cast<StateId>(order_.size());
      order_.push_back(s);
      const NetworkState& state = network_.states[s];
      for (const ByteEdge& e : state.edges) visit(e.target);
      for (const StateId t : state.silent) visit(t);
      for (const CallEdge& c : state.calls) {
        if (!usable(c)) continue;
        rule_id(c.rule);
        visit(c.back);
      }
    }
    infos_.push_back({first, static_cast<StateId>(order_.size()), network_.names[old]});
  }

  void append(StateId old, Grammar::Program& program) const {
    const NetworkState& from = network_.states[old];
    ProgramState state;
    state.edges = static_cast<uint32_t>(program.edges.size());
    state.calls = static_cast<uint32_t>(program.calls.size());
    state.silent = static_cast<uint32_t>(program.silent.size());
    state.need = needs_.of(old);
    state.final = from.final;
    state.only_returns = only_returns_[old];
    state.like = number_[old];
    if (from.like != kNone && number_[from.like] != kNone) {
      state.like = number_[from.like];
      state.horizon = from.horizon;
    }
    for (const ByteEdge& e : from.edges) {
      if (number_[e.target] != kNone) program.edges.push_back({e.low, e.high, number_[e.target]});
    }
    for (const CallEdge& c : from.calls) {
      if (usable(c)) program.calls.push_back({rule_number_[c.rule], number_[c.back]});
    }
    for (const StateId t : from.silent) {
      if (number_[t] != kNone) program.silent.push_back(number_[t]);
    }
    program.states.push_back(state);
  }

  static void classify(Grammar::Program& program) {
    std::array<bool, 257> begins{};
    begins[0] = true;
    for (const ByteEdge& e : program.edges) begins[e.low] = begins[e.high + 1u] = true;
    for (size_t byte = 0; byte < 256; ++byte) {
      if (begins[byte]) program.class_byte.push_back(static_cast<uint8_t>(byte));
      program.byte_class[byte] = static_cast<uint8_t>(program.class_byte.size() - 1);
    }
  }

  const Network& network_;
  const std::vector<bool>& only_returns_;
  const Needs& needs_;
  std::vector<StateId> number_, order_;
  std::vector<RuleId> rule_number_, rules_;
  std::vector<Grammar::Program::RuleInfo> infos_;
};

}  // namespace

std::shared_ptr<const Grammar::Program> build_program(const Rules& rules, std::string_view what) {
  Network network = NetworkBuilder(rules).build();
  remove_left_recursion(network, what);
  const std::vector<bool> only_returns = states_that_only_return(network);
  const Needs needs(network, only_returns);
  if (needs.of_rule(rules.start) == Needs::kNever) {
    throw Error(Code::kInvalidArgument, fmt::format("{}: matches no text at all, or only text nested deeper than {}",
                                                    what, limits::kMaxGrammarDepth));
  }
  auto program = Layout(network, only_returns, needs).build(rules.start);
  static std::atomic<uint64_t> programs = 0;
  program->id = ++programs;
  return program;
}

std::string Grammar::Program::text_of(RuleId rule) const {
  constexpr size_t kMaxStates = 512;
  std::vector<RuleId> reached = {rule};
  std::string text;
  const auto put = [&](uint32_t value) { text.append(reinterpret_cast<const char*>(&value), sizeof value); };
  const auto number = [&](RuleId other) {
    const auto found = std::find(reached.begin(), reached.end(), other);
    if (found == reached.end()) return reached.push_back(other), static_cast<uint32_t>(reached.size() - 1);
    return static_cast<uint32_t>(found - reached.begin());
  };
  size_t count = 0;
  for (size_t i = 0; i < reached.size(); ++i) {
    const RuleInfo info = rules[reached[i]];
    count += info.end - info.first;
    if (count > kMaxStates) return "";
    put(info.end - info.first);
    for (StateId s = info.first; s < info.end; ++s) {
      const ProgramState &state = states[s], &next = states[s + 1];
      put((next.edges - state.edges) << 1 | (state.final ? 1u : 0u));
      put(next.calls - state.calls);
      put(next.silent - state.silent);
      for (uint32_t k = state.edges; k < next.edges; ++k) {
        put(uint32_t{edges[k].low} << 8 | edges[k].high);
        put(edges[k].target - info.first);
      }
      for (uint32_t k = state.calls; k < next.calls; ++k) {
        put(number(calls[k].rule));
        put(calls[k].back - info.first);
      }
      for (uint32_t k = state.silent; k < next.silent; ++k) put(silent[k] - info.first);
    }
  }
  return text;
}

}  // namespace shenbi::grammar
