#include "base/error.h"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace shenbi {

const CodeInfo& code_info(Code code) noexcept {
  // Exit codes follow the order of Code from 2 on; HTTP statuses are those that OpenAI clients already understand.
  static constexpr std::array<CodeInfo, 12> kTable = {{
      {"invalid_argument", 400, 2},
      {"not_found", 404, 3},
      {"corrupt_file", 500, 4},  // a file of ours: the asker cannot mend it
      {"unsupported", 400, 5},  // of a request it is the asker who must change something
      {"unauthorized", 401, 6},
      {"rate_limited", 429, 7},
      {"upstream", 502, 8},
      {"out_of_memory", 503, 9},  // there may be room again later
      {"no_space", 507, 10},
      {"unavailable", 503, 11},
      {"cancelled", 499, 130},  // 130 = 128 + SIGINT, what a shell reports for Ctrl-C
      {"internal", 500, 70},    // 70 = EX_SOFTWARE of sysexits.h
  }};
  return kTable[static_cast<size_t>(code)];
}

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "shenbi: internal error: %s failed at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace shenbi
