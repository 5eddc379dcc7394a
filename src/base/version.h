#pragma once

#include <string_view>

namespace shenbi {

/// Compiled into one file: another version rebuilds that one alone.
extern const std::string_view kVersion;

}  // namespace shenbi
