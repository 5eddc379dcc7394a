#pragma once
// The filters of jinja2, with transformers' tojson. Absent, because they depend on chance or on the web: random,
// urlize, lipsum; and pprint, striptags, wordwrap, xmlattr, which no chat template needs.

#include <string_view>

#include "chat/jinja/arguments.h"

namespace shenbi::chat::jinja {

using FilterFunction = Value (*)(Interpreter&, const Value& input, Args& args);

/// nullptr when there is none.
FilterFunction find_filter(std::string_view name);

/// Throws Error{kUnsupported} for a filter that jinja2 has and we have not, Error{kInvalidArgument} for an unknown one
/// unless `soft` (it stands where it may never be reached).
void check_filter(std::string_view source, int line, std::string_view name, bool soft);

struct FilterEntry {
  std::string_view name;
  FilterFunction function;
};
// One list for each file of filters.
extern const FilterEntry kTextFilters[];
extern const size_t kTextFilterCount;
extern const FilterEntry kNumberFilters[];
extern const size_t kNumberFilterCount;
extern const FilterEntry kSequenceFilters[];
extern const size_t kSequenceFilterCount;
extern const FilterEntry kSelectionFilters[];
extern const size_t kSelectionFilterCount;

}  // namespace shenbi::chat::jinja
