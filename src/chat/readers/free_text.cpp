#include "chat/readers/free_text.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>

#include "base/utf8.h"
#include "chat/readers/call_grammar.h"

namespace shenbi::chat {
namespace {

constexpr uint32_t kRoot = 0;
constexpr std::u32string_view kWhiteSpace = U" \t\r\n";

// Markers as a tree of code points.
class Markers {
 public:
  Markers(const std::vector<std::string>& texts, bool searched) : nodes_(1) {
    for (const std::string& text : texts) add(text);
    if (searched) link();
  }

  /// Where the search goes on behind `c`.
  uint32_t search(uint32_t node, char32_t c) const {
    for (;; node = nodes_[node].fall_back) {
      const auto next = nodes_[node].next.find(c);
      if (next != nodes_[node].next.end()) return next->second;
      if (node == kRoot) return kRoot;
    }
  }
  /// The same without beginning anew.
  std::optional<uint32_t> follow(uint32_t node, char32_t c) const {
    const auto next = nodes_[node].next.find(c);
    return next == nodes_[node].next.end() ? std::nullopt : std::optional(next->second);
  }
  /// A marker has just ended.
  bool found(uint32_t node) const { return nodes_[node].found; }

  void add_characters_behind(uint32_t node, bool searching, std::set<char32_t>& characters) const {
    for (;; node = nodes_[node].fall_back) {
      for (const auto& [c, next] : nodes_[node].next) characters.insert(c);
      if (!searching || node == kRoot) return;
    }
  }

 private:
  struct Node {
    std::map<char32_t, uint32_t> next;
    uint32_t fall_back = kRoot;  ///< the longest beginning of a marker that ends here
    bool found = false;
  };

  void add(std::string_view text) {
    uint32_t node = kRoot;
    for (size_t at = 0; at < text.size();) {
      const Utf8Char c = decode_utf8(text, at);
      at += c.length;
      const auto [next, fresh] = nodes_[node].next.try_emplace(c.code_point, static_cast<uint32_t>(nodes_.size()));
      node = next->second;
      if (fresh) nodes_.emplace_back();
    }
    nodes_[node].found = true;
  }

  void link() {
    std::vector<uint32_t> order = {kRoot};
    for (size_t i = 0; i < order.size(); ++i) {
      const uint32_t node = order[i];
      for (const auto& [c, next] : nodes_[node].next) {
        order.push_back(next);
        nodes_[next].fall_back = node == kRoot ? kRoot : search(nodes_[node].fall_back, c);
        nodes_[next].found |= nodes_[nodes_[next].fall_back].found;
      }
    }
  }

  std::vector<Node> nodes_;
};

std::string class_of(const std::vector<char32_t>& characters, bool negated) {
  std::string out = negated ? "[^" : "[";
  for (const char32_t c : characters) {
    if (c == ']' || c == '\\' || c == '^' || c == '-' || c == '[') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20) {
      out += fmt::format("\\x{:02X}", static_cast<uint32_t>(c));
    } else {
      append_utf8(out, c);
    }
  }
  return out + "]";
}

// One state a rule, written in the order in which they are met.
class Writer {
 public:
  Writer(std::string_view rule, const std::vector<std::string>& markers, const std::vector<std::string>& first,
         bool until, bool control_tokens)
      : rule_(rule), markers_(markers, true), first_(first, false), until_(until), control_tokens_(control_tokens) {
    name({kRoot, first.empty() ? kFree : kRoot});
  }

  std::string write() {
    for (size_t i = 0; i < states_.size(); ++i) state(states_[i]);
    return std::move(rules_);
  }

 private:
  static constexpr uint32_t kFree = UINT32_MAX;  // the beginning is over
  struct State {
    uint32_t search, first;
    auto operator<=>(const State&) const = default;
  };

  std::string name(State state) {
    const auto [at, fresh] = numbers_.try_emplace(state, states_.size());
    if (fresh) states_.push_back(state);
    return at->second == 0 ? rule_ : fmt::format("{}-{}", rule_, at->second);
  }

  State next(State state, std::optional<char32_t> c) const {
    State to{c ? markers_.search(state.search, *c) : kRoot, kFree};
    if (state.first == kFree || !c) return to;
    if (state.first == kRoot && kWhiteSpace.find(*c) != std::u32string_view::npos) to.first = kRoot;
    if (const auto followed = first_.follow(state.first, *c)) to.first = *followed;
    return to;
  }

  void state(State from) {
    std::set<char32_t> characters;
    markers_.add_characters_behind(from.search, true, characters);
    if (from.first != kFree) first_.add_characters_behind(from.first, false, characters);
    if (from.first == kRoot) characters.insert(kWhiteSpace.begin(), kWhiteSpace.end());

    const State other = next(from, std::nullopt);
    std::map<State, std::vector<char32_t>> ways;
    std::vector<char32_t> ends, special;
    for (const char32_t c : characters) {
      const State to = next(from, c);
      if (to == other) continue;
      special.push_back(c);
      if (markers_.found(to.search)) {
        ends.push_back(c);
      } else if (to.first == kFree || !first_.found(to.first)) {
        ways[to].push_back(c);
      }
    }
    rules_ += name(from) + " ::= ";
    if (!until_) rules_ += "\"\" | ";
    rules_ += special.empty() ? "." : class_of(special, true);
    rules_ += " " + name(other);
    for (const auto& [to, all] : ways) rules_ += fmt::format(" | {} {}", class_of(all, false), name(to));
    if (until_ && !ends.empty()) rules_ += " | " + class_of(ends, false);
    if (control_tokens_) rules_ += " | control-mark " + name(from);
    rules_ += "\n";
  }

  std::string rule_;
  Markers markers_, first_;
  bool until_, control_tokens_;
  std::map<State, size_t> numbers_;
  std::vector<State> states_;
  std::string rules_;
};

}  // namespace

std::string text_until(std::string_view rule, std::string_view marker, bool control_tokens) {
  return Writer(rule, {std::string(marker)}, {}, true, control_tokens).write();
}

std::string free_text(std::string_view rule, const FreeText& text) {
  return Writer(rule, text.without, text.not_first, false, text.control_tokens).write();
}

}  // namespace shenbi::chat
