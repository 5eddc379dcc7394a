#pragma once
// What is known of an error beside its status and its words, on the way from the house that refused to the caller.
//
//   ErrorFacts facts = read_error_facts(status, body);  // upstream_error.h: of a house
//   put_facts(event, facts);                            // kError carries them
//   openai_error(event.status, event.text, facts_of(event));

#include <exception>
#include <string>

#include "base/reason.h"
#include "chat/types.h"

namespace shenbi::chat {

struct ErrorFacts {
  Reason reason = Reason::kUnsaid;
  /// The house's own words, "" for none. Only where the caller speaks its dialect and his request was passed on;
  /// whoever holds the request sees to that (gateway/remote_call). `type`: Gemini's status as well.
  std::string code = {}, type = {}, param = {};

  bool empty() const noexcept { return reason == Reason::kUnsaid && code.empty() && type.empty() && param.empty(); }
  bool operator==(const ErrorFacts&) const = default;
};

/// Of kError: its stop_string holds them, as JSON.
void put_facts(Event& error, const ErrorFacts& facts);
ErrorFacts facts_of(const Event& error);

/// Of what was thrown: its reason.
ErrorFacts facts_of(const std::exception& error);

/// An Error as the event that ends an answer.
Event error_event(const Error& error);

}  // namespace shenbi::chat
