#pragma once
// The one family of exceptions, and the one table that says what each code means outside.
//
//   throw Error(Code::kCorruptFile, fmt::format("gguf: tensor '{}' ends at byte {}, file has {}", name, end, size));
//
// Throw where the value is known, with operand and numbers. Catch only at the doors: main, HTTP handler, one request
// inside the scheduler, worker join, provider retry. A miss is std::optional, not an Error. SHENBI_CHECK is for our own
// bugs, never for a file or a request.

#include <stdexcept>
#include <string>
#include <string_view>

namespace shenbi {

enum class Code {
  kInvalidArgument,
  kNotFound,
  kCorruptFile,
  kUnsupported,
  kUnauthorized,
  kRateLimited,
  kUpstream,
  kOutOfMemory,
  kNoSpace,      // on the disk
  kUnavailable,  // not now: stopping, or somebody else holds it
  kCancelled,
  kInternal,  // our own bug, reported instead of aborted where a door can catch it
};

/// What a code is called and how it leaves the program.
struct CodeInfo {
  std::string_view name;  ///< snake_case, as printed in JSON errors
  int http_status;
  int exit_code;  ///< process exit status of the CLI; 0 is success, 1 is reserved for a failed comparison
};

const CodeInfo& code_info(Code code) noexcept;

class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Code code() const noexcept { return code_; }

 private:
  Code code_;
};

[[noreturn]] void check_failed(const char* expression, const char* file, int line);

}  // namespace shenbi

/// Aborts with the place when our own invariant is broken. Never for input.
#define SHENBI_CHECK(expression) \
  do {                           \
    if (!(expression)) [[unlikely]] ::shenbi::check_failed(#expression, __FILE__, __LINE__); \
  } while (false)
