#pragma once
// Media at one upstream: an answer that comes in one piece or as it is made, and jobs.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/reason.h"
#include "chat/upstream_error.h"
#include "gateway/media_way.h"
#include "gateway/remote.h"
#include "gateway/remote_call.h"
#include "gateway/secrets.h"

namespace shenbi::gateway {

/// A request with our proof on it.
struct Remote::Prepared {
  net::ClientRequest request = {};
  uint32_t key = 0;
  Secrets secrets = {};
  std::function<chat::UpstreamError(int status, std::string_view body)> error;
  std::function<void(const RemoteAnswer::Finished&)> on_finished = {};
};

/// MediaWay::told and JobWay::told.
using Told = std::function<void(const MediaRequest& request, std::string& body, std::string& type)>;
/// A whole answer in OpenAI's words, through `told` if the house has others. Throws Error{kUpstream} for what is no
/// answer.
void tell_answer(const MediaRequest& request, const Told& told, std::string& body, std::string& type);

/// What a house calls its bytes, as far as it is harmless: nothing that a browser would run in this server's name.
std::string shown_media_type(MediaKind kind, const std::string& type);

/// A whole exchange about a job: the body, or why it was a failure. Files what becomes of the key.
struct JobAnswer {
  std::string body;
  std::optional<chat::UpstreamError> error;  ///< its status: the house's
  std::optional<std::chrono::seconds> retry_after;
  Reason reason = Reason::kUnsaid;  ///< of the error
};
JobAnswer take_job_answer(const Remote::Prepared& prepared, int status, const net::Headers& headers, std::string body);

inline constexpr uint64_t kMaxJobAnswerBytes = 4u << 20;  ///< of a job's state; houses write some kB
/// A job's state is a row of a table at its house: what takes longer has hung.
inline constexpr std::chrono::milliseconds kLongestJobAnswer{60'000};

/// Names go into paths of some houses: nothing in them may climb out.
void check_model_name(const std::string& upstream, const std::string& model);

}  // namespace shenbi::gateway
