#include "base/reason.h"

#include <array>

namespace shenbi {
namespace {

constexpr std::array kReasons = {Reason::kContextLength, Reason::kModelNotFound, Reason::kContentFilter, Reason::kQuota,
                                 Reason::kAccount};

}  // namespace

std::string_view reason_word(Reason reason) noexcept {
  switch (reason) {
    case Reason::kUnsaid:
      break;
    case Reason::kContextLength:
      return "context_length_exceeded";
    case Reason::kModelNotFound:
      return "model_not_found";
    case Reason::kContentFilter:
      return "content_filter";
    case Reason::kQuota:
      return "insufficient_quota";
    case Reason::kAccount:
      return "account";
  }
  return "";
}

Reason reason_of_word(std::string_view word) noexcept {
  for (const Reason reason : kReasons) {
    if (reason_word(reason) == word) return reason;
  }
  return Reason::kUnsaid;
}

Reason reason_of(const std::exception& error) noexcept {
  const auto* reasoned = dynamic_cast<const ReasonedError*>(&error);
  return reasoned ? reasoned->reason() : Reason::kUnsaid;
}

}  // namespace shenbi
