// fal.ai: pictures and films of many makers, all by its queue: submitted, looked at, and when it is completed the
// result has an address of its own. The model is the path: "fal-ai/flux/schnell"; what follows the second name is left
// out once the request has an id. What a film's model takes besides its prompt is the model's own: fields go on as they
// are.

#include "base/error.h"
#include "chat/upstream_error.h"
#include "gateway/house.h"
#include "gateway/media_words.h"

namespace shenbi::gateway::houses {
namespace {

HouseCall fal_picture(const MediaRequest& request, const std::string& model) {
  chat::Fields fields = words_of(request);
  chat::OrderedJson body = {{"prompt", fields.needed_text("prompt")}};
  if (const auto n = fields.integer("n", 1, kMaxMediaImages)) body["num_images"] = *n;
  if (const auto size = size_of(fields)) body["image_size"] = {{"width", size->first}, {"height", size->second}};
  if (const auto seed = fields.integer("seed", 0, 4'294'967'295)) body["seed"] = *seed;
  for (const char* name : {"negative_prompt", "output_format"}) {
    if (auto text = fields.text(name)) body[name] = std::move(*text);
  }
  if (const auto steps = fields.integer("num_inference_steps", 1, 1000)) body["num_inference_steps"] = *steps;
  if (const auto scale = fields.number("guidance_scale", 0, 100)) body["guidance_scale"] = *scale;
  fields.only("response_format", "url", "this house tells addresses of pictures");
  fields.end();
  return json_call("/" + path_model(model), body);
}

void fal_painted(const MediaRequest&, std::string& body, std::string& type) {
  const Json answer = house_answer(body);
  std::vector<std::string> urls;
  for (const Json& image : at_path(answer, "images")) {
    if (std::string url = text_at(image, "url"); !url.empty()) urls.push_back(std::move(url));
  }
  body = image_list(urls, {});
  type = "application/json";
}

HouseCall fal_film(const MediaRequest& request, const std::string& model) {
  chat::Fields fields = words_of(request, "input_reference");
  const auto ratio = ratio_of(fields, {"16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "3:2", "2:3"});
  chat::OrderedJson body = request.words;
  for (const char* name : {"model", "user", "stream", "seconds", "size"}) body.erase(name);
  if (auto image = first_picture(request, fields)) body["image_url"] = std::move(*image);
  if (request.words.contains("seconds")) body["duration"] = request.most.milliseconds / 1000;
  if (ratio) body["aspect_ratio"] = *ratio;
  return json_call("/" + path_model(model), body);
}

// "fal-ai/flux/schnell" is the application "fal-ai/flux"; "workflows" and "comfy" stand before the owner's name.
std::string address_of(const MediaJob& job) {
  const int names = job.model.starts_with("workflows/") || job.model.starts_with("comfy/") ? 3 : 2;
  size_t end = 0;
  for (int i = 0; i < names && end != std::string::npos; ++i) end = job.model.find('/', end + (i > 0));
  return "/" + job.model.substr(0, end) + "/requests/" + plain_id(job.id);
}

void read_fal(const std::string& body, MediaJob& job) {
  const Json answer = house_answer(body);
  if (job.id.empty()) {
    job.id = plain_id(text_at(answer, "request_id"));
    return;
  }
  const std::string state = text_at(answer, "status");
  const Json error = at_path(answer, "error");
  if (state == "IN_QUEUE") {
    job.state = JobState::kQueued;
  } else if (state == "IN_PROGRESS") {
    job.state = JobState::kRunning;
  } else if (state == "COMPLETED" && (error.is_null() || error == "")) {
    job.state = JobState::kDone;
  } else if (state == "COMPLETED" || state == "FAILED") {
    job.state = JobState::kFailed;
    job.error = chat::one_line(error.is_string() ? error.get<std::string>() : text_at(error, "message"));
    job.code = chat::one_line(text_at(answer, "error_type"));
  } else if (state == "CANCELED" || state == "CANCELLED") {
    job.state = JobState::kCancelled;
  } else {
    unknown_status();
  }
}

HouseCall result(const MediaJob& job, const std::string&) { return {.method = "GET", .path = address_of(job)}; }

// One film, or a list of which the first is meant.
void read_fal_film(const std::string& body, MediaJob& job) {
  const Json answer = house_answer(body);
  for (const char* path : {"video/url", "video", "videos/0/url", "video_url"}) {
    if (job.link = text_at(answer, path); !job.link.empty()) return;
  }
  needed_link({});
}

}  // namespace

House fal() {
  House house = openai_like("fal.ai", "fal.ai", "https://queue.fal.run", "FAL_KEY");
  house.former_base_url = "https://fal.run";  // where a request waits for its picture, and a film outlasts it
  house.key_page = "https://fal.ai/dashboard/keys";
  house.authorise = [](net::ClientRequest& request, const Account& account, int64_t) {
    if (!account.key.empty()) request.headers.emplace_back("Authorization", "Key " + account.key);
  };
  house.chat_path = nullptr;
  house.models_path.clear();
  JobWay queue{
      .submit = fal_film,
      .look = [](const MediaJob& job) { return HouseCall{.method = "GET", .path = address_of(job) + "/status"}; },
      .cancel = [](const MediaJob& job) { return HouseCall{.method = "PUT", .path = address_of(job) + "/cancel"}; },
      .read = read_fal,
      .result = result,
      .read_result = read_fal_film};
  house.jobs[MediaKind::kVideo] = queue;
  queue.submit = fal_picture;
  queue.read_result = [](const std::string&, MediaJob&) {};
  queue.told = fal_painted;
  house.jobs[MediaKind::kImage] = queue;
  house.models = {"fal-ai/flux/schnell", "fal-ai/flux/dev", "fal-ai/pika/v2.2/text-to-video"};
  return house;
}

}  // namespace shenbi::gateway::houses
