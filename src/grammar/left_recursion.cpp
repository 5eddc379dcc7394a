// Left recursion, rewritten by left corners (Rosenkrantz and Lewis, 1970) on the network itself.
//
// Take rules that reach each other by leftmost calls, say  expr = expr "+" term | term.  Whoever reads an `expr` reads
// some leftmost part that is not recursive first (a `term`), and then any number of times what follows a leftmost call
// (`"+" term`), until the finished rule is the one that was wanted. So the new body of a wanted rule X has a copy of
// every body of the group without its leftmost calls of the group; where the copy of Y ends, silent edges lead behind
// every such call of Y; and the copy of X may end for good.

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/limits.h"
#include "grammar/network.h"

namespace shenbi::grammar {
namespace {

// Rules in groups that call each other leftmost beyond this many are no grammar a person wrote.
constexpr size_t kMaxGroup = 128;

class LeftCalls {
 public:
  explicit LeftCalls(const Network& network) : network_(network) {
    find_nullable();
    callees_.resize(network.starts.size());
    std::vector<uint32_t> seen(network.states.size(), UINT32_MAX);
    for (RuleId rule = 0; rule < network.starts.size(); ++rule) walk(rule, seen);
  }

  /// Rules on circles of leftmost calls, or between two circles.
  std::vector<RuleId> circular() const {
    std::vector<std::vector<RuleId>> callers(callees_.size());
    for (RuleId rule = 0; rule < callees_.size(); ++rule) {
      for (const RuleId callee : callees_[rule]) callers[callee].push_back(rule);
    }
    std::vector<bool> gone(callees_.size(), false);
    peel(callees_, callers, gone);  // those that reach no circle
    peel(callers, callees_, gone);  // those that no circle reaches
    std::vector<RuleId> rest;
    for (RuleId rule = 0; rule < gone.size(); ++rule) {
      if (!gone[rule]) rest.push_back(rule);
    }
    return rest;
  }
  const std::vector<RuleId>& of(RuleId rule) const { return callees_[rule]; }

 private:
  // A state is nullable if its rule can end from it without a byte.
  void find_nullable() {
    const size_t count = network_.states.size();
    std::vector<std::vector<StateId>> before(count);
    struct Site {
      StateId from, back;
    };
    std::vector<std::vector<Site>> sites(network_.starts.size());
    std::vector<std::vector<RuleId>> started_by(count);
    for (RuleId rule = 0; rule < network_.starts.size(); ++rule) started_by[network_.starts[rule]].push_back(rule);
    std::vector<StateId> found;
    nullable_.assign(count, false);
    std::vector<bool> rule_nullable(network_.starts.size(), false);
    for (StateId s = 0; s < count; ++s) {
      for (const StateId t : network_.states[s].silent) before[t].push_back(s);
      for (const CallEdge& call : network_.states[s].calls) sites[call.rule].push_back({s, call.back});
      if (network_.states[s].final) mark(s, found);
    }
    while (!found.empty()) {
      const StateId s = found.back();
      found.pop_back();
      for (const StateId t : before[s]) mark(t, found);
      for (const RuleId rule : started_by[s]) {  // its calls are silent edges from now on
        rule_nullable[rule] = true;
        for (const Site& site : sites[rule]) {
          before[site.back].push_back(site.from);
          if (nullable_[site.back]) mark(site.from, found);
        }
      }
    }
    rule_nullable_ = std::move(rule_nullable);
  }
  void mark(StateId s, std::vector<StateId>& found) {
    if (nullable_[s]) return;
    nullable_[s] = true;
    found.push_back(s);
  }

  void walk(RuleId rule, std::vector<uint32_t>& seen) {
    std::vector<StateId> pending = {network_.starts[rule]};
    seen[pending[0]] = rule;
    const auto visit = [&](StateId s) {
      if (seen[s] == rule) return;
      seen[s] = rule;
      pending.push_back(s);
    };
    while (!pending.empty()) {
      const NetworkState& state = network_.states[pending.back()];
      pending.pop_back();
      for (const StateId s : state.silent) visit(s);
      for (const CallEdge& call : state.calls) {
        callees_[rule].push_back(call.rule);
        if (rule_nullable_[call.rule]) visit(call.back);
      }
    }
    std::sort(callees_[rule].begin(), callees_[rule].end());
    callees_[rule].erase(std::unique(callees_[rule].begin(), callees_[rule].end()), callees_[rule].end());
  }

  // Takes away, again and again, rules without an edge in `out` to one that is left.
  static void peel(const std::vector<std::vector<RuleId>>& out, const std::vector<std::vector<RuleId>>& in,
                   std::vector<bool>& gone) {
    std::vector<size_t> left(out.size());
    std::vector<RuleId> pending;
    for (RuleId rule = 0; rule < out.size(); ++rule) {
      left[rule] = static_cast<size_t>(
          std::count_if(out[rule].begin(), out[rule].end(), [&](RuleId other) { return !gone[other]; }));
      if (left[rule] == 0 && !gone[rule]) pending.push_back(rule);
    }
    while (!pending.empty()) {
      const RuleId rule = pending.back();
      pending.pop_back();
      gone[rule] = true;
      for (const RuleId other : in[rule]) {
        if (!gone[other] && --left[other] == 0) pending.push_back(other);
      }
    }
  }

  const Network& network_;
  std::vector<bool> nullable_, rule_nullable_;
  std::vector<std::vector<RuleId>> callees_;
};

std::string names_of(const Network& network, const std::vector<RuleId>& rules) {
  std::string names;
  for (size_t i = 0; i < std::min<size_t>(rules.size(), 5); ++i) {
    names += fmt::format("{}'{}'", i == 0 ? "" : ", ", network.names[rules[i]]);
  }
  return rules.size() > 5 ? names + ", ..." : names;
}

// The groups of `rules` that reach each other: Warshall on at most kMaxGroup rules.
std::vector<std::vector<RuleId>> groups_of(const std::vector<RuleId>& rules, const LeftCalls& calls) {
  const size_t n = rules.size();
  std::vector<std::vector<bool>> reach(n, std::vector<bool>(n, false));
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      const auto& callees = calls.of(rules[i]);
      reach[i][j] = std::binary_search(callees.begin(), callees.end(), rules[j]);
    }
  }
  for (size_t k = 0; k < n; ++k) {
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) {
        if (reach[i][k] && reach[k][j]) reach[i][j] = true;
      }
    }
  }
  std::vector<std::vector<RuleId>> groups;
  std::vector<bool> grouped(n, false);
  for (size_t i = 0; i < n; ++i) {
    if (grouped[i] || !reach[i][i]) continue;
    groups.emplace_back();
    for (size_t j = i; j < n; ++j) {
      if (!reach[i][j] || !reach[j][i]) continue;
      grouped[j] = true;
      groups.back().push_back(rules[j]);
    }
  }
  return groups;
}

// Writes the new start of `wanted`; the bodies of the group are read from their old starts.
class LeftCorner {
 public:
  LeftCorner(Network& network, const std::vector<RuleId>& group, RuleId wanted)
      : network_(network), group_(group), wanted_(wanted) {}

  StateId build() {
    const StateId start = network_.add_state();
    for (const RuleId rule : group_) {
      const StateId base = copy_base(rule);
      network_.states[start].silent.push_back(base);
    }
    copy_pending();
    for (const RuleId rule : group_) {
      for (const StateId end : ends_[rule]) {
        auto& silent = network_.states[end].silent;
        silent.insert(silent.end(), behind_[rule].begin(), behind_[rule].end());
        network_.states[end].final = rule == wanted_;
      }
    }
    return start;
  }

 private:
  bool in_group(RuleId rule) const { return std::binary_search(group_.begin(), group_.end(), rule); }

  // What the rule does first, except for leftmost calls of the group: those are noted as "goes on behind a `callee`".
  StateId copy_base(RuleId rule) {
    const StateId base = network_.add_state();
    std::vector<StateId> pending = {network_.starts[rule]};
    std::unordered_set<StateId> seen(pending.begin(), pending.end());
    while (!pending.empty()) {
      const NetworkState from = network_.states[pending.back()];
      pending.pop_back();
      for (const ByteEdge& e : from.edges) {
        const StateId target = copy(e.target, rule);
        network_.states[base].edges.push_back({e.low, e.high, target});
      }
      for (const CallEdge& c : from.calls) {
        const StateId back = copy(c.back, rule);
        if (in_group(c.rule)) {
          behind_[c.rule].push_back(back);
        } else {
          network_.states[base].calls.push_back({c.rule, back});
        }
      }
      if (from.final) ends_[rule].push_back(base);
      for (const StateId s : from.silent) {
        if (seen.insert(s).second) pending.push_back(s);
      }
    }
    return base;
  }

  StateId copy(StateId old, RuleId rule) {
    const auto [at, fresh] = copies_.try_emplace(old, 0);
    if (fresh) {
      at->second = network_.add_state();
      pending_.emplace_back(old, rule);
    }
    return at->second;
  }

  void copy_pending() {
    while (!pending_.empty()) {
      const auto [old, rule] = pending_.back();
      pending_.pop_back();
      const NetworkState from = network_.states[old];
      NetworkState to;
      for (const ByteEdge& e : from.edges) to.edges.push_back({e.low, e.high, copy(e.target, rule)});
      for (const CallEdge& c : from.calls) to.calls.push_back({c.rule, copy(c.back, rule)});
      for (const StateId s : from.silent) to.silent.push_back(copy(s, rule));
      const StateId self = copies_[old];
      if (from.final) ends_[rule].push_back(self);
      network_.states[self] = std::move(to);
    }
  }

  Network& network_;
  const std::vector<RuleId>& group_;
  RuleId wanted_;
  std::unordered_map<StateId, StateId> copies_;
  std::vector<std::pair<StateId, RuleId>> pending_;
  std::unordered_map<RuleId, std::vector<StateId>> ends_, behind_;
};

}  // namespace

void remove_left_recursion(Network& network, std::string_view what) {
  const LeftCalls before(network);
  const std::vector<RuleId> circular = before.circular();
  if (circular.empty()) return;
  if (circular.size() > kMaxGroup) {
    throw Error(Code::kUnsupported, fmt::format("{}: {} left-recursive rules ({}), at most {}", what, circular.size(),
                                                names_of(network, circular), kMaxGroup));
  }
  for (const auto& group : groups_of(circular, before)) {
    std::vector<StateId> starts;
    for (const RuleId rule : group) starts.push_back(LeftCorner(network, group, rule).build());
    for (size_t i = 0; i < group.size(); ++i) network.starts[group[i]] = starts[i];
  }
  const std::vector<RuleId> left = LeftCalls(network).circular();
  if (!left.empty()) {
    throw Error(Code::kUnsupported, fmt::format("{}: left recursion behind something that may be empty, in {}", what,
                                                names_of(network, left)));
  }
}

}  // namespace shenbi::grammar
