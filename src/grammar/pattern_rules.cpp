// Patterns to rules. Most patterns have anchors only at their ends and become the same shape of expression. Where an
// anchor stands within ("^a|b$"), or two patterns must hold at once, the way leads over an automaton of characters,
// whose states become rules.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "grammar/pattern.h"

namespace shenbi::grammar {
namespace {

constexpr size_t kMaxWork = 1u << 22;  // steps of building one; of checking texts with it, 64 times as many
constexpr size_t kMaxStates = 1u << 16, kMaxEdges = 1u << 18;  // of an automaton of characters; edges hold a set each

using Node = Pattern::Node;

bool has_anchor(const Pattern& pattern, uint32_t id) {
  const Node& node = pattern.nodes[id];
  if (node.kind == Node::kBegin || node.kind == Node::kEnd) return true;
  return std::any_of(node.children.begin(), node.children.end(), [&](uint32_t c) { return has_anchor(pattern, c); });
}

ExprId expression(Rules& rules, const Pattern& pattern, uint32_t id, const Encode& encode) {
  const Node& node = pattern.nodes[id];
  std::vector<ExprId> children;
  for (const uint32_t child : node.children) children.push_back(expression(rules, pattern, child, encode));
  switch (node.kind) {
    case Node::kSet:
      return encode(node.set);
    case Node::kSequence:
      return rules.sequence(std::move(children));
    case Node::kChoice:
      return rules.choice(std::move(children));
    case Node::kRepeat:
      return rules.repeat(children[0], node.min, node.max);
    default:
      return rules.empty();
  }
}

[[noreturn]] void too_large(std::string_view where) {
  throw Error(Code::kUnsupported,
              fmt::format("{}: the pattern, with what else must hold of the text, needs more than {} "
                          "states",
                          where, kMaxStates));
}

// Thompson's automaton with anchors as silent edges that have a condition.
class Silent {
 public:
  Silent(const Pattern& pattern, bool search, std::string_view where) : pattern_(pattern), where_(where) {
    uint32_t from = state();
    start_ = from;
    if (search) from = loop(from);
    from = emit(pattern.root, from);
    end_ = search ? loop(from) : from;
  }

  TextAutomaton without_silent() {
    TextAutomaton out;
    std::map<std::pair<uint32_t, bool>, uint32_t> ids;
    std::vector<std::pair<uint32_t, bool>> order;
    const auto id_of = [&](uint32_t s, bool consumed) {
      const auto [at, fresh] = ids.try_emplace({s, consumed}, static_cast<uint32_t>(order.size()));
      if (fresh) order.emplace_back(s, consumed);
      return at->second;
    };
    id_of(start_, false);
    size_t edges = 0;
    for (size_t i = 0; i < order.size(); ++i) {
      TextAutomaton::State state;
      const auto [s, consumed] = order[i];
      for (const auto& [at, ended] : reach(s, consumed)) {
        if (at == end_) state.accepts = true;
        if (ended) continue;
        for (const auto& [set, target] : states_[at].edges) state.edges.push_back({*set, id_of(target, true)});
      }
      edges += state.edges.size();
      if (order.size() > kMaxStates || edges > kMaxEdges) too_large(where_);
      out.states.push_back(std::move(state));
    }
    return out;
  }

 private:
  enum class When : uint8_t { kAlways, kAtBegin, kAtEnd };
  struct State {
    std::vector<std::pair<const CodeSet*, uint32_t>> edges;
    std::vector<std::pair<When, uint32_t>> silent;
  };

  uint32_t state() {
    if (states_.size() >= kMaxStates) too_large(where_);
    states_.emplace_back();
    return static_cast<uint32_t>(states_.size() - 1);
  }
  void silent(uint32_t from, uint32_t to, When when = When::kAlways) { states_[from].silent.emplace_back(when, to); }
  uint32_t loop(uint32_t from) {
    static const CodeSet any = CodeSet::any();
    const uint32_t s = state();
    silent(from, s);
    states_[s].edges.emplace_back(&any, s);
    return s;
  }

  uint32_t emit(uint32_t id, uint32_t from) {
    const Node& node = pattern_.nodes[id];
    switch (node.kind) {
      case Node::kEmpty:
        return from;
      case Node::kSet: {
        const uint32_t to = state();
        states_[from].edges.emplace_back(&node.set, to);
        return to;
      }
      case Node::kSequence:
        for (const uint32_t part : node.children) from = emit(part, from);
        return from;
      case Node::kChoice: {
        const uint32_t end = state();
        for (const uint32_t part : node.children) {
          const uint32_t begin = state();
          silent(from, begin);
          silent(emit(part, begin), end);
        }
        return end;
      }
      case Node::kRepeat:
        return emit_repeat(node, from);
      case Node::kBegin:
      case Node::kEnd: {
        const uint32_t to = state();
        silent(from, to, node.kind == Node::kBegin ? When::kAtBegin : When::kAtEnd);
        return to;
      }
    }
    return from;
  }
  uint32_t emit_repeat(const Node& node, uint32_t from) {
    const uint32_t end = state();
    const uint32_t copies = node.max == kUnbounded ? node.min : node.max;
    for (uint32_t i = 0; i < copies; ++i) {
      if (++work_ > kMaxWork) too_large(where_);  // copies of nothing take no states
      if (i >= node.min) silent(from, end);
      from = emit(node.children[0], from);
    }
    if (node.max == kUnbounded) {
      const uint32_t again = state();
      silent(from, again);
      silent(emit(node.children[0], again), again);
      from = again;
    }
    silent(from, end);
    return end;
  }

  // States that silent edges lead to, and whether the end of the text was asserted on the way.
  std::vector<std::pair<uint32_t, bool>> reach(uint32_t s, bool consumed) {
    std::vector<std::pair<uint32_t, bool>> all = {{s, false}};
    if (seen_.size() < 2 * states_.size()) seen_.resize(2 * states_.size(), 0);
    ++round_;
    const auto visit = [&](uint32_t to, bool ended) {
      if (seen_[2 * to + ended] == round_) return;
      seen_[2 * to + ended] = round_;
      all.emplace_back(to, ended);
    };
    seen_[2 * s] = round_;
    for (size_t i = 0; i < all.size(); ++i) {
      const auto [at, ended] = all[i];
      for (const auto& [when, to] : states_[at].silent) {
        if (when == When::kAtBegin && consumed) continue;
        visit(to, ended || when == When::kAtEnd);
      }
    }
    work_ += all.size();
    if (work_ > kMaxWork) too_large(where_);
    return all;
  }

  const Pattern& pattern_;
  std::string_view where_;
  std::vector<State> states_;
  uint32_t start_ = 0, end_ = 0, round_ = 0;
  std::vector<uint32_t> seen_;
  size_t work_ = 0;
};

}  // namespace

ExprId pattern_rules(Rules& rules, const Pattern& pattern, bool search, const Encode& encode, std::string_view where) {
  const Node& root = pattern.nodes[pattern.root];
  std::vector<uint32_t> parts = {pattern.root};
  if (root.kind == Node::kSequence) parts = root.children;
  const auto is = [&](uint32_t id, Node::Kind kind) { return pattern.nodes[id].kind == kind; };
  bool begins = !search, ends = !search;
  if (!parts.empty() && is(parts.front(), Node::kBegin)) begins = true, parts.erase(parts.begin());
  if (!parts.empty() && is(parts.back(), Node::kEnd)) ends = true, parts.pop_back();
  if (std::any_of(parts.begin(), parts.end(), [&](uint32_t id) { return has_anchor(pattern, id); })) {
    return TextAutomaton::of(pattern, search, where).rules(rules, encode);
  }
  const auto anything = [&] { return rules.repeat(encode(CodeSet::any()), 0, kUnbounded); };
  std::vector<ExprId> all;
  if (!begins) all.push_back(anything());
  for (const uint32_t part : parts) all.push_back(expression(rules, pattern, part, encode));
  if (!ends) all.push_back(anything());
  return rules.sequence(std::move(all));
}

TextAutomaton TextAutomaton::of(const Pattern& pattern, bool search, std::string_view where) {
  return Silent(pattern, search, where).without_silent();
}

// The states are the beginnings of the texts, and one for all that has left them.
TextAutomaton TextAutomaton::except(const std::vector<std::string>& texts) {
  constexpr uint32_t kElsewhere = 1;
  TextAutomaton out;
  out.states.resize(2);
  std::vector<std::map<char32_t, uint32_t>> next(2);
  for (State& state : out.states) state.accepts = true;
  for (const std::string& text : texts) {
    uint32_t at = 0;
    for (size_t i = 0; i < text.size();) {
      const Utf8Char c = decode_utf8(text, i);
      i += c.length;
      const auto [child, fresh] = next[at].try_emplace(c.code_point, static_cast<uint32_t>(next.size()));
      at = child->second;
      if (!fresh) continue;
      next.emplace_back();
      out.states.emplace_back().accepts = true;
    }
    out.states[at].accepts = false;
  }
  for (uint32_t s = 0; s < next.size(); ++s) {
    std::vector<CodeSet::Range> named;
    for (const auto& [c, target] : next[s]) {
      out.states[s].edges.push_back({CodeSet::one(c), target});
      named.emplace_back(c, c);
    }
    out.states[s].edges.push_back({~CodeSet(std::move(named)), kElsewhere});
  }
  return out;
}

TextAutomaton TextAutomaton::operator&(const TextAutomaton& other) const {
  TextAutomaton out;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> ids = {{{0, 0}, 0}};
  std::vector<std::pair<uint32_t, uint32_t>> order = {{0, 0}};
  size_t work = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const State &a = states[order[i].first], &b = other.states[order[i].second];
    State state{{}, a.accepts && b.accepts};
    work += a.edges.size() * b.edges.size() + 1;
    if (order.size() > kMaxStates || work > 4 * kMaxEdges) too_large("schema");
    for (const Edge& x : a.edges) {
      for (const Edge& y : b.edges) {
        CodeSet both = x.set & y.set;
        if (both.empty()) continue;
        const auto [at, fresh] = ids.try_emplace({x.target, y.target}, static_cast<uint32_t>(order.size()));
        if (fresh) order.emplace_back(x.target, y.target);
        state.edges.push_back({std::move(both), at->second});
      }
    }
    out.states.push_back(std::move(state));
  }
  return out;
}

bool TextAutomaton::matches(std::string_view utf8) const {
  std::vector<uint32_t> now = {0}, then;
  std::vector<size_t> met(states.size(), SIZE_MAX);  // the last character that led to each state
  for (size_t i = 0; i < utf8.size() && !now.empty();) {
    const Utf8Char c = decode_utf8(utf8, i);
    for (const uint32_t s : now) {
      checked += states[s].edges.size();
      for (const Edge& edge : states[s].edges) {
        if (met[edge.target] == i || !edge.set.contains(c.code_point)) continue;
        met[edge.target] = i;
        then.push_back(edge.target);
      }
    }
    if (checked > 64 * kMaxWork) too_large("schema");
    i += c.length;
    now = std::move(then);
    then.clear();
  }
  checked += states.size() / 16;
  return std::any_of(now.begin(), now.end(), [&](uint32_t s) { return states[s].accepts; });
}

bool TextAutomaton::empty() const {
  std::vector<bool> seen(states.size(), false);
  std::vector<uint32_t> pending = {0};
  seen[0] = true;
  while (!pending.empty()) {
    const State& state = states[pending.back()];
    pending.pop_back();
    if (state.accepts) return false;
    for (const Edge& edge : state.edges) {
      if (seen[edge.target]) continue;
      seen[edge.target] = true;
      pending.push_back(edge.target);
    }
  }
  return true;
}

ExprId TextAutomaton::rules(Rules& rules, const Encode& encode) const {
  std::vector<RuleId> ids;
  for (size_t s = 0; s < states.size(); ++s) ids.push_back(rules.declare("text"));
  for (size_t s = 0; s < states.size(); ++s) {
    std::map<uint32_t, std::vector<CodeSet::Range>> by_target;
    for (const Edge& edge : states[s].edges) {
      auto& ranges = by_target[edge.target];
      ranges.insert(ranges.end(), edge.set.ranges().begin(), edge.set.ranges().end());
    }
    std::vector<ExprId> all;
    if (states[s].accepts) all.push_back(rules.empty());
    for (auto& [target, ranges] : by_target) {
      all.push_back(rules.sequence({encode(CodeSet(std::move(ranges))), rules.call(ids[target])}));
    }
    rules.define(ids[s], rules.choice(std::move(all)));
  }
  return rules.call(ids[0]);
}

}  // namespace shenbi::grammar
