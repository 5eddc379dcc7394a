// The table of filters.

#include "chat/jinja/filters.h"

#include <fmt/format.h>

#include <unordered_map>

#include "chat/jinja/lexer.h"

namespace shenbi::chat::jinja {
namespace {

constexpr std::string_view kKnownButAbsent[] = {"pprint", "random", "striptags", "urlize", "wordwrap", "xmlattr"};

std::unordered_map<std::string_view, FilterFunction> make_table() {
  std::unordered_map<std::string_view, FilterFunction> table;
  const auto add = [&](const FilterEntry* entries, size_t count) {
    for (size_t i = 0; i < count; ++i) table.emplace(entries[i].name, entries[i].function);
  };
  add(kTextFilters, kTextFilterCount);
  add(kNumberFilters, kNumberFilterCount);
  add(kSequenceFilters, kSequenceFilterCount);
  add(kSelectionFilters, kSelectionFilterCount);
  return table;
}

}  // namespace

FilterFunction find_filter(std::string_view name) {
  static const auto table = make_table();
  const auto it = table.find(name);
  return it == table.end() ? nullptr : it->second;
}

void check_filter(std::string_view source, int line, std::string_view name, bool soft) {
  if (find_filter(name) != nullptr) return;
  for (const std::string_view absent : kKnownButAbsent) {
    if (absent == name) {
      throw Error(Code::kUnsupported,
                  fmt::format("{}:{}: the filter '{}' is not supported in chat templates", source, line, name));
    }
  }
  if (!soft) fail_syntax(source, line, fmt::format("no filter named '{}'", name));
}

}  // namespace shenbi::chat::jinja
