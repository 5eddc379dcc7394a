// OpenAI's films: POST, GET, DELETE /v1/videos and the bytes of what is done. A job runs at its house and is looked
// after here (server/media_runner.h), whoever asks and whether anybody does.

#include <fmt/format.h>

#include "base/error.h"
#include "server/answering.h"
#include "server/file_body.h"
#include "server/list_query.h"
#include "server/media_answering.h"
#include "server/media_runner.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::OrderedJson;

OrderedJson time_or_null(double time) { return time > 0 ? OrderedJson(static_cast<int64_t>(time)) : OrderedJson(); }

// The model as the caller named it. What the house tells of length and size counts; before it does, nothing is known.
OrderedJson video_json(const StoredMediaJob& one) {
  const bool done = one.job.state == gateway::JobState::kDone && one.phase == StoredMediaJob::Phase::kEnded;
  // Done at the house is not done here: the bytes are on their way.
  const bool fetching = one.phase == StoredMediaJob::Phase::kFetching;
  OrderedJson error;
  if (!one.job.error.empty())
    error = {{"code", one.job.code.empty() ? "failed" : one.job.code}, {"message", one.job.error}};
  return {{"id", one.id},
          {"object", "video"},
          {"model", one.wanted},
          {"status", fetching ? "in_progress" : gateway::job_state_name(one.job.state)},
          {"progress", one.job.progress},
          {"created_at", static_cast<int64_t>(one.created)},
          {"completed_at", done ? time_or_null(one.ended) : OrderedJson()},
          {"expires_at", done ? time_or_null(one.expires) : OrderedJson()},
          {"prompt", text_or_null(one.prompt)},
          {"seconds", text_or_null(one.job.seconds)},
          {"size", text_or_null(one.job.size)},
          {"error", error},
          {"remixed_from_video_id", nullptr}};
}

void create_video(RouteCall& call) {
  const auto request = media_request(call, gateway::MediaKind::kVideo);
  const StoredMediaJob row = call.state.media_jobs->create(call.caller.id, request);
  call.state.media_runner->submit(row, request);
  const auto made = call.state.media_jobs->find(row.id);
  if (!made) throw Error(Code::kNotFound, fmt::format("video '{}' was deleted while it was being sent", row.id));
  send_json(call, 200, video_json(*made));
}

void list_videos(RouteCall& call) {
  const ListQuery query = ListQuery::of(call.request, 20, 100, {"order"});
  const std::string order = call.request.parameter("order").value_or("desc");
  if (order != "asc" && order != "desc") throw Error(Code::kInvalidArgument, "order: must be asc or desc");
  const auto page = call.state.media_jobs->list(call.caller.id, query.after, query.limit, order == "desc");
  OrderedJson data = OrderedJson::array();
  for (const StoredMediaJob& one : page.jobs) data.push_back(video_json(one));
  send_json(call, 200, list_json(std::move(data), page.more));
}

void show_video(RouteCall& call) {
  const std::string& id = call.path["id"];
  const StoredMediaJob one = call.state.media_jobs->get(call.caller.id, id);
  call.state.media_runner->nudge(id);
  send_json(call, 200, video_json(one));
}

void remove_video(RouteCall& call) {
  const std::string& id = call.path["id"];
  call.state.media_runner->abandon(call.state.media_jobs->remove(call.caller.id, id));
  send_json(call, 200, {{"id", id}, {"object", "video.deleted"}, {"deleted", true}});
}

void video_content(RouteCall& call) {
  const StoredMediaJob one = call.state.media_jobs->get(call.caller.id, call.path["id"]);
  if (const std::string variant = call.request.parameter("variant").value_or("video"); variant != "video")
    throw Error(Code::kInvalidArgument,
                fmt::format("variant: '{}' is not kept here, only the video", header_text(variant)));
  if (one.file.empty())
    throw Error(Code::kInvalidArgument, fmt::format("video '{}' is {}: it has no content", one.id,
                                                    video_json(one)["status"].get<std::string>()));
  send_file(call, call.state.files->get(call.caller.id, one.file), one.type);
}

}  // namespace

RouteList openai_videos() {
  const auto with = [](std::string_view method, std::string_view pattern, RouteHandler handler) {
    return Route::with_key(Face::kOpenAi, method, pattern, Scope::kInfer, std::move(handler));
  };
  return {with("POST", "/v1/videos", create_video), with("GET", "/v1/videos", list_videos),
          with("GET", "/v1/videos/{id}", show_video), with("DELETE", "/v1/videos/{id}", remove_video),
          with("GET", "/v1/videos/{id}/content", video_content)};
}

}  // namespace shenbi::server::routes
