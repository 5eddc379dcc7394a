#pragma once
// What a refusal is about, beyond its status: by it clients tell errors of one status apart, and each face has words of
// its own for it. Errors whose reason nobody asks for stay plain ones.
//
//   throw ReasonedError(Code::kNotFound, Reason::kModelNotFound, fmt::format("model '{}' is not here", name));

#include <string>
#include <string_view>

#include "base/error.h"

namespace shenbi {

enum class Reason : unsigned char {
  kUnsaid,
  kContextLength,  ///< the prompt, or with it what was asked for, does not fit the model
  kModelNotFound,
  kContentFilter,  ///< refused for safety: of the request or of what the model wrote
  kQuota,          ///< the caller's own budget here is spent
  kAccount,        ///< of an upstream: our key or account there. Never the caller's business
};

/// snake_case, OpenAI's words where it has them: "context_length_exceeded", "model_not_found", "content_filter",
/// "insufficient_quota", "account"; "" for kUnsaid.
std::string_view reason_word(Reason reason) noexcept;
/// The other way; kUnsaid for any other word.
Reason reason_of_word(std::string_view word) noexcept;

class ReasonedError : public Error {
 public:
  ReasonedError(Code code, Reason reason, const std::string& message) : Error(code, message), reason_(reason) {}
  Reason reason() const noexcept { return reason_; }

 private:
  Reason reason_;
};

/// kUnsaid for what is no ReasonedError.
Reason reason_of(const std::exception& error) noexcept;

}  // namespace shenbi
