// Network to program: what cannot reach its rule's end, or would need more open rules than allowed, is left out; the
// rest is numbered rule by rule and laid out in flat lists.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "base/error.h"
#include "base/limits.h"
#include "grammar/network.h"
#include "grammar/program.h"

namespace shenbi::grammar {
namespace {

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
  Network network = build_network(rules);
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
