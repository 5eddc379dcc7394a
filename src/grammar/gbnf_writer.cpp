#include "grammar/gbnf_writer.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace shenbi::grammar {
namespace {

void put_escaped(std::string& out, char32_t c, bool in_class) {
  const bool special = c == '\\' || (in_class ? c == ']' || c == '[' || c == '^' || c == '-' : c == '"');
  if (special) {
    out += '\\';
    out += static_cast<char>(c);
  } else if (c >= 0x20 && c < 0x7F) {
    out += static_cast<char>(c);
  } else if (c < 0x100) {
    out += fmt::format("\\x{:02X}", static_cast<uint32_t>(c));
  } else if (c < 0x10000) {
    out += fmt::format("\\u{:04X}", static_cast<uint32_t>(c));
  } else {
    out += fmt::format("\\U{:08X}", static_cast<uint32_t>(c));
  }
}

class Writer {
 public:
  Writer(const Rules& rules, std::string_view name) : rules_(rules), possible_(productive_exprs(rules)) {
    names_.resize(rules.all.size());
    name_rule(rules.start, std::string(name));
    for (size_t i = 0; i < order_.size(); ++i) {
      out_ += names_[order_[i]] + " ::= ";
      expression(rules.all[order_[i]].body, 0);
      out_ += '\n';
    }
  }
  std::string text() && { return std::move(out_); }

 private:
  void name_rule(RuleId rule, std::string name) {
    names_[rule] = std::move(name);
    order_.push_back(rule);
  }

  // `level`: 0 where alternatives may stand bare, 1 within a sequence, 2 under a repeat.
  void expression(ExprId id, int level) {
    const Expr& e = rules_.at(id);
    switch (e.kind) {
      case Expr::kNever:
      case Expr::kEmpty:
        out_ += "\"\"";
        return;
      case Expr::kLiteral:
        return literal(rules_.literal_of(e));
      case Expr::kSet:
        return set(rules_.set_of(e));
      case Expr::kSequence:
        return list(e, level > 1, " ", 1, false);
      case Expr::kChoice:
        return list(e, level > 0, " | ", 1, true);
      case Expr::kRepeat:
        return repeat(e);
      case Expr::kCall:
        if (names_[e.value].empty()) {
          name_rule(e.value, fmt::format("{}-{}{}", names_[rules_.start], rules_.all[e.value].name, order_.size()));
        }
        out_ += names_[e.value];
        return;
    }
  }

  void list(const Expr& e, bool group, std::string_view between, int level, bool only_possible) {
    if (group) out_ += '(';
    bool first = true;
    for (const ExprId child : e.children) {
      if (only_possible && !possible_[child]) continue;
      if (!first) out_ += between;
      first = false;
      expression(child, level);
    }
    if (group) out_ += ')';
  }

  void repeat(const Expr& e) {
    if (!possible_[e.children[0]]) {  // at most none of it
      out_ += "\"\"";
      return;
    }
    const Expr::Kind inside = rules_.at(e.children[0]).kind;
    const bool group = inside == Expr::kRepeat || inside == Expr::kSequence || inside == Expr::kChoice;
    if (group) out_ += '(';
    expression(e.children[0], 0);
    if (group) out_ += ')';
    if (e.min == 0 && e.max == 1)
      out_ += '?';
    else if (e.max == kUnbounded && e.min <= 1)
      out_ += e.min == 0 ? '*' : '+';
    else if (e.max == kUnbounded)
      out_ += fmt::format("{{{},}}", e.min);
    else
      out_ += fmt::format("{{{},{}}}", e.min, e.max);
  }

  void literal(std::string_view bytes) {
    out_ += '"';
    for (size_t i = 0; i < bytes.size();) {
      const Utf8Char c = decode_utf8(bytes, i);
      put_escaped(out_, c.code_point, false);
      i += c.length;
    }
    out_ += '"';
  }
  void set(const CodeSet& set) {
    const CodeSet complement = ~set;
    const bool negated = set.contains(0x10FFFF) && !complement.empty();
    out_ += negated ? "[^" : "[";
    for (const auto& [low, high] : (negated ? complement : set).ranges()) {
      put_escaped(out_, low, true);
      if (high == low) continue;
      out_ += '-';
      put_escaped(out_, high, true);
    }
    out_ += ']';
  }

  const Rules& rules_;
  std::vector<bool> possible_;
  std::vector<std::string> names_;
  std::vector<RuleId> order_;
  std::string out_;
};

}  // namespace

std::string write_gbnf(const Rules& rules, std::string_view name) { return Writer(rules, name).text(); }

}  // namespace shenbi::grammar
