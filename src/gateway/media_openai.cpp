// OpenAI's media: the paths, and what its answers are made of. The caller's bytes go through, so a field of next year
// arrives as it was written.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "chat/upstream_error.h"
#include "gateway/house.h"
#include "gateway/media_way.h"
#include "gateway/media_words.h"

namespace shenbi::gateway {
namespace {

std::string_view path_of(MediaKind kind) {
  switch (kind) {
    case MediaKind::kImage:
      return "/images/generations";
    case MediaKind::kImageEdit:
      return "/images/edits";
    case MediaKind::kSpeech:
      return "/audio/speech";
    case MediaKind::kTranscription:
      return "/audio/transcriptions";
    case MediaKind::kTranslation:
      return "/audio/translations";
    case MediaKind::kVideo:
      return "/videos";
  }
  return "";
}

HouseCall passed_on(const MediaRequest& request, const std::string& model) {
  return {.path = std::string(path_of(request.kind)),
          .headers = {{"Content-Type", request.content_type}},
          .body = request.with_model(model)};
}

std::string word_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  return found->is_number_integer() ? std::to_string(found->get<int64_t>()) : "";
}

JobState state_of(const std::string& word) {
  if (word == "queued" || word == "pending") return JobState::kQueued;
  if (word == "in_progress" || word == "processing" || word == "running") return JobState::kRunning;
  if (word == "completed" || word == "succeeded") return JobState::kDone;
  if (word == "failed" || word == "expired") return JobState::kFailed;
  if (word == "cancelled" || word == "canceled" || word == "deleted") return JobState::kCancelled;
  no_answer(fmt::format("of an unknown status '{}'", chat::one_line(word.substr(0, 100))));
}

void read_video(const std::string& body, MediaJob& job) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) no_answer("no JSON object");
  const std::string id = word_of(json, "id");
  if (job.id.empty()) job.id = id;
  if (job.id.empty()) no_answer("without an id");
  job.state = state_of(word_of(json, "status"));
  if (const auto progress = json.find("progress"); progress != json.end() && progress->is_number())
    job.progress = static_cast<int>(std::clamp(progress->get<double>(), 0.0, 100.0));
  if (const std::string seconds = word_of(json, "seconds"); !seconds.empty()) job.seconds = seconds;
  if (const std::string size = word_of(json, "size"); !size.empty()) job.size = size;
  if (job.state == JobState::kFailed) {
    const auto error = json.find("error");
    const bool told = error != json.end() && error->is_object();
    job.error = told ? chat::one_line(word_of(*error, "message")) : "";
    job.code = told ? chat::one_line(word_of(*error, "code")) : "";
    if (job.error.empty()) job.error = "no reason given";
  }
  if (const auto usage = json.find("usage"); usage != json.end() && usage->is_object()) job.raw_usage = usage->dump();
}

// A house's id goes into a path.
std::string path_of(const MediaJob& job) {
  const bool plain = std::all_of(job.id.begin(), job.id.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == ':';
  });
  if (!plain || job.id.empty() || job.id.size() > 512 || job.id.find("..") != std::string::npos)
    no_answer("a job whose id is no name");
  return "/videos/" + job.id;
}

}  // namespace

void check_openai_answer(const MediaRequest& request, std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) no_answer("no JSON object");
  if (media_output(request.kind) == "image") {
    const auto data = json.find("data");
    const bool whole =
        data != json.end() && data->is_array() && !data->empty() &&
        std::all_of(data->begin(), data->end(), [](const Json& one) {
          const auto holds = [&](const char* name) {
            const auto found = one.find(name);
            return found != one.end() && found->is_string() && !found->get_ref<const std::string&>().empty();
          };
          return one.is_object() && (holds("url") || holds("b64_json"));
        });
    if (!whole) no_answer("no list of images");
  } else if (!json.contains("text") || !json["text"].is_string()) {
    no_answer("without a text");
  }
}

void speaks_openai_media(House& house, std::initializer_list<MediaKind> kinds) {
  for (const MediaKind kind : kinds) {
    if (kind != MediaKind::kVideo) {
      house.media[kind] = {.ask = passed_on, .told = nullptr};
      continue;
    }
    house.jobs[kind] = {
        .submit = passed_on,
        .look = [](const MediaJob& job) { return HouseCall{.method = "GET", .path = path_of(job)}; },
        .cancel = [](const MediaJob& job) { return HouseCall{.method = "DELETE", .path = path_of(job)}; },
        .read = read_video,
        .content = [](const MediaJob& job) { return HouseCall{.method = "GET", .path = path_of(job) + "/content"}; }};
  }
}

void speaks_openai_media(House& house) {
  speaks_openai_media(house, {MediaKind::kImage, MediaKind::kImageEdit, MediaKind::kSpeech, MediaKind::kTranscription,
                              MediaKind::kTranslation, MediaKind::kVideo});
}

}  // namespace shenbi::gateway
