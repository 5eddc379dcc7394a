#pragma once
// What a question is about, by rules that anybody can check (docs/arena.md). A question may have several categories, or
// none.

#include <string>
#include <string_view>
#include <vector>

namespace shenbi::arena {

/// All there are: "zh", "en", "code", "math", "long".
const std::vector<std::string_view>& categories();

std::vector<std::string> categories_of(std::string_view question);

}  // namespace shenbi::arena
