// Media at whoever the name leads to.

#include <fmt/format.h>

#include <ctime>

#include "base/error.h"
#include "base/log.h"
#include "gateway/routed.h"
#include "gateway/router.h"

namespace shenbi::gateway {

CallPtr Router::media(const MediaRequest& request, MediaWire wire, EventSink sink) {
  RoutedCall call = routed(request.model, media_output(request.kind));
  call.blank = {.wanted = request.model, .tenant = request.tenant, .request_id = options().request_id()};
  call.blank.media = request.most;
  call.need = {.prompt_tokens = [] { return 0; }, .max_tokens = 0};
  call.start = [asked = std::make_shared<const MediaRequest>(request), wire = std::move(wire)](
                   const Target& target, const std::function<bool()>& speak, EventSink to) {
    MediaRequest copy = *asked;
    copy.model = target.model;
    const MediaWire own{.head =
                            [wire, speak](std::string_view type, bool whole) {
                              if (speak()) wire.head(type, whole);
                            },
                        .bytes =
                            [wire, speak](std::string_view bytes) {
                              if (speak()) wire.bytes(bytes);
                            }};
    return target.provider->media(copy, own, std::move(to));
  };
  return start_routed(std::move(call), std::move(sink), options());
}

MediaJob Router::submit(const MediaRequest& request, std::stop_token stop) {
  const auto all = targets(request.model, media_output(request.kind));
  for (size_t i = 0;; ++i) {
    Attempt attempt{.wanted = request.model, .tenant = request.tenant, .request_id = options().request_id()};
    attempt.upstream = all[i].upstream;
    attempt.model = all[i].model;
    attempt.number = static_cast<uint32_t>(i);
    attempt.started = static_cast<int64_t>(std::time(nullptr));
    attempt.media = request.most;
    if (options().admit)
      attempt.reservation = options().admit(attempt, {.prompt_tokens = [] { return 0; }, .max_tokens = 0});
    MediaRequest copy = request;
    copy.model = all[i].model;
    try {
      MediaJob job = all[i].provider->submit(copy, stop);
      job.upstream = all[i].upstream;
      job.model = all[i].model;
      job.attempt = std::make_shared<const Attempt>(attempt);
      return job;
    } catch (const Error& error) {
      const int status = code_info(error.code()).http_status;
      attempt.status = status;
      attempt.error = error.what();
      // On its way and not answered for: it may be made all the same.
      const bool aborted = error.code() == Code::kCancelled;
      attempt.outcome = aborted ? Attempt::Outcome::kAborted : Attempt::Outcome::kFailed;
      if (!aborted) attempt.media = MediaUse{};
      if (options().on_attempt) options().on_attempt(attempt);
      const bool last = i + 1 >= all.size() || i + 1 >= options().max_attempts;
      if (last || !may_go_better_elsewhere(status)) throw;
      log_info("{}: {}; asking the next", request.model, error.what());
    }
  }
}

std::shared_ptr<Remote> Router::upstream_of(const MediaJob& job) {
  const auto found = remote(job.upstream);
  if (!found)
    throw Error(Code::kNotFound,
                fmt::format("upstream '{}', which has the job, is not configured any more", job.upstream));
  return found;
}

MediaJob Router::look(const MediaJob& job, std::stop_token stop) { return upstream_of(job)->look(job, stop); }
bool Router::cancel(const MediaJob& job, std::stop_token stop) { return upstream_of(job)->cancel(job, stop); }
std::string Router::fetch(const MediaJob& job, const MediaWriter& write, std::stop_token stop) {
  return upstream_of(job)->fetch(job, write, stop);
}

}  // namespace shenbi::gateway
