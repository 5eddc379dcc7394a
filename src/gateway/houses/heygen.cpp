// HeyGen: people who speak, as films. The model is the kind of film: "avatar" (somebody from the house's gallery, by
// avatar_id) or "image" (a picture that is made to speak); the prompt is what is said, in the voice voice_id. How long
// the film is hangs on what is said. It cannot be stopped.

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "chat/upstream_error.h"
#include "gateway/house.h"
#include "gateway/media_words.h"

namespace shenbi::gateway::houses {
namespace {

// 1280x720 is 720p and 16:9.
void take_heygen_size(chat::Fields& fields, chat::OrderedJson& body) {
  const auto size = size_of(fields);
  if (!size) return;
  const auto [longer, shorter] = std::minmax(size->first, size->second, std::greater<>());
  if (!(longer == 1280 && shorter == 720) && !(longer == 1920 && shorter == 1080))
    fields.fail("size", "must be 1280x720, 720x1280, 1920x1080 or 1080x1920");
  body["resolution"] = shorter == 720 ? "720p" : "1080p";
  body["aspect_ratio"] = size->first > size->second ? "16:9" : "9:16";
}

HouseCall heygen_film(const MediaRequest& request, const std::string& model) {
  if (model != "avatar" && model != "image") chat::refuse_field("model", "this house knows avatar and image");
  chat::Fields fields = words_of(request);
  chat::OrderedJson body = {{"type", model}};
  std::string said = fields.needed_text("prompt");
  if (model == "avatar")
    body["avatar_id"] = fields.needed_text("avatar_id");
  else
    body["image"] = {{"type", "url"}, {"url", fields.needed_text("image_url")}};
  if (auto sound = fields.text("audio_url")) {
    fields.refuse("voice_id", "a sound that is given speaks for itself");
    if (!said.empty()) fields.fail("prompt", "must be empty where audio_url says what is said");
    body["audio_url"] = std::move(*sound);
  } else {
    body["script"] = std::move(said);
    body["voice_id"] = fields.needed_text("voice_id");
  }
  take_heygen_size(fields, body);
  if (auto title = fields.text("title")) body["title"] = std::move(*title);
  if (const auto cut = fields.boolean("remove_background")) body["remove_background"] = *cut;
  fields.refuse("seconds", "a film of this house lasts as long as what is said");
  fields.end();
  return json_call("/v3/videos", body);
}

void read_heygen(const std::string& body, MediaJob& job) {
  const Json answer = house_answer(body);
  if (job.id.empty()) {
    job.id = plain_id(text_at(answer, "data/video_id"));
    return;
  }
  const std::string state = text_at(answer, "data/status");
  if (state == "pending" || state == "waiting") {
    job.state = JobState::kQueued;
  } else if (state == "processing") {
    job.state = JobState::kRunning;
  } else if (state == "completed") {
    job.state = JobState::kDone;
    job.link = needed_link(text_at(answer, "data/video_url"));
    if (const Json length = at_path(answer, "data/duration"); length.is_number()) job.seconds = length.dump();
  } else if (state == "failed") {
    job.state = JobState::kFailed;
    job.error = chat::one_line(text_at(answer, "data/failure_message"));
    job.code = chat::one_line(text_at(answer, "data/failure_code"));
  } else {
    unknown_status();
  }
}

}  // namespace

House heygen() {
  House house = openai_like("HeyGen", "HeyGen", "https://api.heygen.com", "HEYGEN_API_KEY");
  house.key_page = "https://app.heygen.com/settings?nav=API";
  house.authorise = key_header("X-Api-Key");
  house.chat_path = nullptr;
  house.models_path.clear();
  house.jobs[MediaKind::kVideo] = {
      .submit = heygen_film,
      .look = [](const MediaJob& job) { return HouseCall{.method = "GET", .path = "/v3/videos/" + plain_id(job.id)}; },
      .read = read_heygen};
  house.models = {"avatar", "image"};
  return house;
}

}  // namespace shenbi::gateway::houses
