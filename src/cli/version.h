#pragma once

#include "base/version.h"

namespace shenbi::cli {

/// 141 = 128 + SIGPIPE: what a shell shows for a writer whose reader left.
inline constexpr int kExitBrokenPipe = 141;

}  // namespace shenbi::cli
