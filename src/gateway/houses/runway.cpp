// Runway: films as tasks, of a text or of a picture that they begin with. Addresses of results end after a day; who
// looks at the task again gets fresh ones.

#include <fmt/format.h>

#include "base/error.h"
#include "chat/upstream_error.h"
#include "gateway/house.h"
#include "gateway/media_words.h"

namespace shenbi::gateway::houses {
namespace {

HouseCall runway_film(const MediaRequest& request, const std::string& model) {
  chat::Fields fields = words_of(request, "input_reference");
  chat::OrderedJson body = {{"model", model}, {"promptText", fields.needed_text("prompt")}};
  const auto picture = first_picture(request, fields);
  if (picture) body["promptImage"] = *picture;
  if (const auto size = size_of(fields)) body["ratio"] = fmt::format("{}:{}", size->first, size->second);  // in pixels
  if (fields.has("seconds")) body["duration"] = request.most.milliseconds / 1000;
  if (const auto seed = fields.integer("seed", 0, 4'294'967'295)) body["seed"] = *seed;
  if (const auto sound = fields.boolean("audio")) body["audio"] = *sound;
  fields.end();
  return json_call(picture ? "/image_to_video" : "/text_to_video", body);
}

void read_runway(const std::string& body, MediaJob& job) {
  const Json answer = house_answer(body);
  if (job.id.empty()) {
    job.id = plain_id(text_at(answer, "id"));
    return;
  }
  const std::string state = text_at(answer, "status");
  if (state == "PENDING" || state == "THROTTLED") {
    job.state = JobState::kQueued;
  } else if (state == "RUNNING") {
    job.state = JobState::kRunning;
    const Json progress = at_path(answer, "progress");  // of 1
    if (progress.is_number() && progress.get<double>() >= 0 && progress.get<double>() <= 1)
      job.progress = static_cast<int>(progress.get<double>() * 100);
  } else if (state == "SUCCEEDED") {
    job.state = JobState::kDone;
    job.link = needed_link(text_at(answer, "output/0"));
  } else if (state == "FAILED") {
    job.state = JobState::kFailed;
    job.error = chat::one_line(text_at(answer, "failure"));
    job.code = chat::one_line(text_at(answer, "failureCode"));
  } else if (state == "CANCELLED") {
    job.state = JobState::kCancelled;
  } else {
    unknown_status();
  }
}

}  // namespace

House runway() {
  House house = openai_like("Runway", "Runway", "https://api.dev.runwayml.com/v1", "RUNWAYML_API_SECRET");
  house.key_page = "https://dev.runwayml.com/";
  house.headers = {{"X-Runway-Version", "2024-11-06"}};
  house.chat_path = nullptr;
  house.models_path.clear();
  const auto task = [](const char* method) {
    return [method](const MediaJob& job) { return HouseCall{.method = method, .path = "/tasks/" + plain_id(job.id)}; };
  };
  house.jobs[MediaKind::kVideo] = {
      .submit = runway_film, .look = task("GET"), .cancel = task("DELETE"), .read = read_runway};
  house.models = {"gen4.5", "gen4_turbo"};
  return house;
}

}  // namespace shenbi::gateway::houses
