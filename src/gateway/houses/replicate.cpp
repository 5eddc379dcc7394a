// Replicate: films as predictions that are polled and cancelled; pictures as predictions that are waited for, up to the
// minute that the house waits. What a model takes besides its prompt is the model's own: fields go on as they are.

#include "base/error.h"
#include "chat/upstream_error.h"
#include "gateway/house.h"
#include "gateway/media_words.h"

namespace shenbi::gateway::houses {
namespace {

HouseCall predict(const MediaRequest& request, const std::string& model, net::Headers headers) {
  words_of(request);  // no file, no stream
  chat::OrderedJson input = request.words;
  for (const char* name : {"model", "user", "stream", "response_format", "seconds", "n"}) input.erase(name);
  if (request.kind == MediaKind::kVideo && request.words.contains("seconds"))
    input["duration"] = static_cast<int64_t>(request.most.milliseconds / 1000);
  if (request.words.contains("n")) input["num_outputs"] = request.most.images;
  return json_call("/models/" + path_model(model) + "/predictions", {{"input", input}}, std::move(headers));
}

// One address or a list of them.
std::vector<std::string> output_of(const Json& answer) {
  std::vector<std::string> urls;
  const Json output = at_path(answer, "output");
  if (output.is_string()) urls.push_back(output.get<std::string>());
  for (const Json& one : output.is_array() ? output : Json::array()) {
    if (one.is_string()) urls.push_back(one.get<std::string>());
  }
  return urls;
}

HouseCall replicate_picture(const MediaRequest& request, const std::string& model) {
  chat::Fields fields(request.words, "");
  fields.only("response_format", "url", "this house tells addresses of pictures");
  return predict(request, model, {{"Prefer", "wait=60"}});
}

void replicate_told(const MediaRequest&, std::string& body, std::string& type) {
  const Json answer = house_answer(body);
  if (const std::string state = text_at(answer, "status"); state != "succeeded") {
    const std::string why = text_at(answer, "error");
    throw Error(Code::kUpstream,
                why.empty() ? "the picture was not ready within the minute that it waits" : chat::one_line(why));
  }
  body = image_list(output_of(answer), {});
  type = "application/json";
}

void read_replicate(const std::string& body, MediaJob& job) {
  const Json answer = house_answer(body);
  if (job.id.empty()) job.id = plain_id(text_at(answer, "id"));
  const std::string state = text_at(answer, "status");
  if (state == "starting" || state == "processing")
    job.state = state == "starting" ? JobState::kQueued : JobState::kRunning;
  else if (state == "succeeded")
    job.state = JobState::kDone;
  else if (state == "canceled" || state == "aborted")
    job.state = JobState::kCancelled;
  else if (state == "failed")
    job.state = JobState::kFailed;
  else
    throw Error(Code::kUpstream, "its answer is of an unknown status");
  if (job.state == JobState::kFailed) job.error = chat::one_line(text_at(answer, "error"));
  const auto urls = output_of(answer);
  if (job.state == JobState::kDone && urls.empty()) throw Error(Code::kUpstream, "its answer names no result");
  if (!urls.empty()) job.link = urls.front();
}

}  // namespace

House replicate() {
  House house = openai_like("Replicate", "Replicate", "https://api.replicate.com/v1", "REPLICATE_API_TOKEN");
  house.key_page = "https://replicate.com/account/api-tokens";
  house.chat_path = nullptr;
  house.models_path.clear();
  house.media[MediaKind::kImage] = {.ask = replicate_picture, .told = replicate_told};
  house.jobs[MediaKind::kVideo] = {
      .submit = [](const MediaRequest& request, const std::string& model) { return predict(request, model, {}); },
      .look =
          [](const MediaJob& job) { return HouseCall{.method = "GET", .path = "/predictions/" + plain_id(job.id)}; },
      .cancel = [](const MediaJob& job) { return HouseCall{.path = "/predictions/" + plain_id(job.id) + "/cancel"}; },
      .read = read_replicate,
      .content = nullptr};
  house.models = {"black-forest-labs/flux-schnell"};
  return house;
}

}  // namespace shenbi::gateway::houses
