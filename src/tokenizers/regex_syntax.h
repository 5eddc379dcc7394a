#pragma once
// The tree a pattern is parsed to. Private to the regex engine.

#include <unicode/uniset.h>

#include <memory>
#include <string_view>
#include <vector>

#include "tokenizers/regex_program.h"

namespace shenbi::tokenizers {

struct RegexNode {
  enum Kind { kEmpty, kSet, kSequence, kChoice, kRepeat, kLook, kBehind, kAnchor } kind = kEmpty;
  icu::UnicodeSet set;                               // kSet, kBehind, kAnchor (\b)
  std::vector<std::unique_ptr<RegexNode>> children;  // kSequence, kChoice; one for kRepeat and kLook
  uint32_t min = 0, max = 0;                         // kRepeat
  Repeat repeat = Repeat::kGreedy;
  bool negative = false;  // kLook, kBehind, \B
  RegexOp anchor = RegexOp::kTextStart;
};

/// Throws as Regex::compile does.
std::unique_ptr<RegexNode> parse_regex(std::string_view pattern, Regex::Dialect dialect);

/// True if the node can match the empty string.
bool may_be_empty(const RegexNode& node);

}  // namespace shenbi::tokenizers
