#pragma once
// An error that time mends, and how much of it.

#include <chrono>
#include <string>

#include "base/error.h"

namespace shenbi {

class RetryLater : public Error {
 public:
  RetryLater(Code code, const std::string& message, std::chrono::seconds wait) : Error(code, message), wait_(wait) {}
  /// 0: it is not known, or never.
  std::chrono::seconds wait() const noexcept { return wait_; }

 private:
  std::chrono::seconds wait_;
};

}  // namespace shenbi
