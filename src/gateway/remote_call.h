#pragma once
// One call to an upstream on its way: bytes come in, events go out. With a wire, the bytes go out as well, whole events
// of the stream at a time and each before what it says; they are held back until the answer says something, so that an
// error in front of that is an error and no part of an answer.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "chat/asking.h"
#include "chat/error_facts.h"
#include "gateway/passage.h"
#include "gateway/secrets.h"
#include "gateway/signatures.h"
#include "net/client.h"

namespace shenbi::gateway {

/// What becomes of the answer.
struct RemoteAnswer {
  struct Finished {
    int status;  ///< of the house, 0 for none
    std::optional<std::chrono::seconds> retry_after;
    bool good;
  };

  std::unique_ptr<chat::AnswerReader> reader;
  std::string maker;                  ///< who signs its thinking
  std::vector<std::string> warnings;  ///< follow the beginning of the answer
  WireSink wire;                      ///< null: the events alone
  bool stream = true;                 ///< what was asked for; the wire gets no answer of the other form
  /// The caller's own request, where it was passed on: then he may be told the house's own words for an error. Null: it
  /// was translated, and a code or a field of the house's would mean nothing to him.
  std::shared_ptr<const std::string> passed = nullptr;
  bool hides_usage = false;  ///< the wire leaves out the event that only tells the usage: nobody asked for it
  std::string upstream;      ///< for messages
  Secrets secrets;           ///< kept out of them
  /// Seconds since 1970 as they were signed; null where the proof holds no time. A refusal then tells of a wrong clock.
  std::function<int64_t()> clock;
  std::function<chat::UpstreamError(int status, std::string_view body)> error;
  std::shared_ptr<SignatureBook> book;
  std::function<void(const Finished&)> on_finished;  ///< not where our own caller left
};

/// How a failure of the house looks to our own caller, whose key and request may be in order.
int status_for_caller(int upstream);

/// What of an error's facts a caller may be told: the reason, and the house's own words only if the request was
/// `passed` on (null: it was not), the refusal is about the request and not our account, the field is one that he sent,
/// and nothing of it is a secret.
chat::ErrorFacts facts_for_caller(chat::ErrorFacts facts, int status, const std::string* passed,
                                  const Secrets& secrets);

/// The seconds form of Retry-After; dates are rare and a wrong clock makes nonsense of them.
std::optional<std::chrono::seconds> retry_after(const net::Headers& headers);

/// A call whose request is not ready: something must come first. One of go() and fail() is called, once.
class WaitingCall : public Call {
 public:
  virtual void go(net::Client& client, net::ClientRequest request, Secrets secrets) = 0;
  /// `status`: of the error for the caller.
  virtual void fail(const Error& error, int status) = 0;
};
std::shared_ptr<WaitingCall> wait_remote_call(RemoteAnswer answer, EventSink sink);

CallPtr start_remote_call(net::Client& client, net::ClientRequest request, RemoteAnswer answer, EventSink sink);

}  // namespace shenbi::gateway
