#pragma once

#include <string_view>

namespace shenbi::cli {

inline constexpr std::string_view kVersion = SHENBI_VERSION;
/// 141 = 128 + SIGPIPE: what a shell shows for a writer whose reader left.
inline constexpr int kExitBrokenPipe = 141;

}  // namespace shenbi::cli
