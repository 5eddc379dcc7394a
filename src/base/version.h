#pragma once

#include <string_view>

namespace shenbi {

inline constexpr std::string_view kVersion = SHENBI_VERSION;

}  // namespace shenbi
