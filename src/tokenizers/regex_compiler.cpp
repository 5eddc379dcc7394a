// Tree -> program. A repeat of one class becomes one instruction; other repeats are unrolled to their bounds.

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizers/regex_syntax.h"

namespace shenbi::tokenizers {

constexpr size_t kMaxInstructions = 1 << 14;  // real patterns need under 100
constexpr size_t kMaxSets = 1 << 10;          // 8 KB each; real patterns have under 40

class RegexCompiler {
 public:
  static Regex compile(const RegexNode& root) {
    RegexCompiler compiler;
    compiler.compile_alternatives(root);
    compiler.make_possessive();
    for (RegexInstruction& in : compiler.program_->code) {
      if (in.op == RegexOp::kRun || in.op == RegexOp::kSplit) in.slot = compiler.program_->slots++;
    }
    return Regex(std::move(compiler.program_));
  }

 private:
  using Node = RegexNode;
  // Characters a node can begin with; `empty` if it may match nothing.
  struct First {
    icu::UnicodeSet set;
    bool empty = false;
  };

  uint32_t emit(RegexInstruction in) {
    if (program_->code.size() >= kMaxInstructions) {
      throw Error(Code::kUnsupported, fmt::format("regex: pattern unrolls to over {} instructions", kMaxInstructions));
    }
    program_->code.push_back(in);
    return static_cast<uint32_t>(program_->code.size() - 1);
  }
  RegexInstruction& code(uint32_t pc) { return program_->code[pc]; }
  uint32_t here() const { return static_cast<uint32_t>(program_->code.size()); }

  uint16_t add_set(const icu::UnicodeSet& set) {
    for (size_t i = 0; i < known_sets_.size(); ++i) {
      if (known_sets_[i] == set) return static_cast<uint16_t>(i);
    }
    if (known_sets_.size() >= kMaxSets) throw Error(Code::kUnsupported, "regex: over 1024 different classes");
    std::vector<CharSet::Range> ranges;
    for (int32_t i = 0; i < set.getRangeCount(); ++i) {
      ranges.emplace_back(static_cast<char32_t>(set.getRangeStart(i)), static_cast<char32_t>(set.getRangeEnd(i)));
    }
    known_sets_.push_back(set);
    program_->sets.emplace_back(std::move(ranges));
    return static_cast<uint16_t>(known_sets_.size() - 1);
  }

  // The alternatives at the top get an entry each, chosen by their first character.
  void compile_alternatives(const Node& root) {
    std::vector<const Node*> alternatives;
    if (root.kind == Node::kChoice) {
      for (const auto& child : root.children) alternatives.push_back(child.get());
    } else {
      alternatives.push_back(&root);
    }
    if (alternatives.size() > 32) {
      write(root);
      emit({.op = RegexOp::kMatch});
      return;
    }
    for (size_t i = 0; i < alternatives.size(); ++i) {
      program_->alternatives.push_back(here());
      write(*alternatives[i]);
      emit({.op = RegexOp::kMatch});
      const First first = first_of(*alternatives[i]);
      const uint32_t bit = 1u << i;
      for (int32_t c = 0; c < 128; ++c) {
        if (first.empty || first.set.contains(c)) program_->viable[c] |= bit;
      }
      if (first.empty || !first.set.containsNone(128, 0x10FFFF)) program_->viable[128] |= bit;
      if (first.empty) program_->viable[129] |= bit;
    }
  }

  First first_of(const Node& node) const {
    First first;
    switch (node.kind) {
      case Node::kSet:
        first.set = node.set;
        return first;
      case Node::kSequence:
        first.empty = true;
        for (const auto& child : node.children) {
          const First next = first_of(*child);
          first.set.addAll(next.set);
          if (!next.empty) {
            first.empty = false;
            break;
          }
        }
        return first;
      case Node::kChoice:
        for (const auto& child : node.children) {
          const First next = first_of(*child);
          first.set.addAll(next.set);
          first.empty |= next.empty;
        }
        return first;
      case Node::kRepeat:
        first = first_of(*node.children[0]);
        first.empty |= node.min == 0;
        return first;
      default:
        first.empty = true;
        return first;  // assertions take nothing
    }
  }

  void write(const Node& node) {
    switch (node.kind) {
      case Node::kEmpty:
        break;
      case Node::kSet:
        emit({.op = RegexOp::kRun, .set = add_set(node.set), .min = 1, .max = 1});
        break;
      case Node::kSequence:
        for (const auto& child : node.children) write(*child);
        break;
      case Node::kChoice:
        write_choice(node);
        break;
      case Node::kRepeat:
        write_repeat(node);
        break;
      case Node::kLook:
        write_look(node);
        break;
      case Node::kBehind:
        emit({.op = RegexOp::kBehind, .negative = node.negative, .set = add_set(node.set)});
        break;
      case Node::kAnchor: {
        const bool edge = node.anchor == RegexOp::kWordEdge;
        const uint16_t set = edge ? add_set(node.set) : uint16_t{0};
        emit({.op = node.anchor, .negative = node.negative, .set = set});
        break;
      }
    }
  }

  void write_choice(const Node& node) {
    std::vector<uint32_t> jumps;
    for (size_t i = 0; i + 1 < node.children.size(); ++i) {
      const uint32_t split = emit({.op = RegexOp::kSplit});
      code(split).a = here();
      write(*node.children[i]);
      jumps.push_back(emit({.op = RegexOp::kJump}));
      code(split).b = here();
    }
    write(*node.children.back());
    for (const uint32_t jump : jumps) code(jump).a = here();
  }

  void write_repeat(const Node& node) {
    const Node& body = *node.children[0];
    const bool lazy_loop = node.repeat == Repeat::kLazy && node.max == kUnlimited;
    if (body.kind == Node::kSet && !lazy_loop) {
      emit({.op = RegexOp::kRun, .repeat = node.repeat, .set = add_set(body.set), .min = node.min, .max = node.max});
      return;
    }
    for (uint32_t i = 0; i < node.min; ++i) write(body);
    if (node.max == kUnlimited) {
      const uint32_t split = emit({.op = RegexOp::kSplit});
      write(body);
      emit({.op = RegexOp::kJump, .a = split});
      aim(split, node.repeat == Repeat::kLazy, split + 1, here());
      return;
    }
    std::vector<uint32_t> splits;
    for (uint32_t i = node.min; i < node.max; ++i) {
      splits.push_back(emit({.op = RegexOp::kSplit}));
      write(body);
    }
    for (const uint32_t split : splits) aim(split, node.repeat == Repeat::kLazy, split + 1, here());
  }

  void aim(uint32_t split, bool lazy, uint32_t body, uint32_t exit) {
    code(split).a = lazy ? exit : body;
    code(split).b = lazy ? body : exit;
  }

  void write_look(const Node& node) {
    const Node& body = *node.children[0];
    if (body.kind == Node::kSet) {
      emit({.op = RegexOp::kPeek, .negative = node.negative, .set = add_set(body.set)});
      return;
    }
    const uint32_t look = emit({.op = RegexOp::kLook, .negative = node.negative});
    code(look).a = here();
    write(body);
    emit({.op = RegexOp::kMatch});
    code(look).b = here();
  }

  // A greedy run never needs to give back characters if what follows always succeeds, or must begin with a character
  // that is not in the run.
  void make_possessive() {
    auto& instructions = program_->code;
    for (size_t i = instructions.size(); i-- > 0;) {
      RegexInstruction& in = instructions[i];
      if (in.op != RegexOp::kRun || in.repeat != Repeat::kGreedy || in.min == in.max) continue;
      const RegexInstruction& next = instructions[i + 1];
      const bool next_is_run = next.op == RegexOp::kRun;
      const bool apart = next_is_run && program_->sets[in.set].disjoint(program_->sets[next.set]);
      const bool always = next.op == RegexOp::kMatch || (next_is_run && next.min == 0 && surely_matches(i + 1));
      if (always || (apart && next.min > 0)) in.repeat = Repeat::kPossessive;
    }
  }

  // True if the optional runs from `pc` on lead to the end of the pattern whatever the text.
  bool surely_matches(size_t pc) const {
    while (program_->code[pc].op == RegexOp::kRun && program_->code[pc].min == 0) ++pc;
    return program_->code[pc].op == RegexOp::kMatch;
  }

  std::unique_ptr<Regex::Program> program_ = std::make_unique<Regex::Program>();
  std::vector<icu::UnicodeSet> known_sets_;
};

Regex::Regex(std::unique_ptr<const Program> program) : program_(std::move(program)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

Regex Regex::compile(std::string_view pattern, Dialect dialect) {
  return RegexCompiler::compile(*parse_regex(pattern, dialect));
}

Regex Regex::literal(std::string_view text) {
  RegexNode root;
  root.kind = RegexNode::kSequence;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    auto character = std::make_unique<RegexNode>();
    character->kind = RegexNode::kSet;
    character->set.add(static_cast<UChar32>(c.code_point));
    root.children.push_back(std::move(character));
    i += c.length;
  }
  return RegexCompiler::compile(root);
}

}  // namespace shenbi::tokenizers
