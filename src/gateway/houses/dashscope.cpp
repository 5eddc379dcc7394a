// Alibaba Cloud Model Studio, compatible mode. Qwen models refuse enable_thinking = true outside a stream. Media is
// behind the house's native paths: pictures of Qwen and of Wan from 2.6 on in one answer, those of Wan up to 2.5
// (Wanx) and all films as a task. A task and the addresses of what it made are gone after a day.

#include <fmt/format.h>

#include "base/error.h"
#include "chat/upstream_error.h"
#include "gateway/house.h"
#include "gateway/media_words.h"

namespace shenbi::gateway::houses {
namespace {

// It writes 1024*1536.
void take_dashscope_size(chat::Fields& fields, chat::OrderedJson& parameters) {
  if (const auto size = size_of(fields)) parameters["size"] = fmt::format("{}*{}", size->first, size->second);
}

void take_extras(chat::Fields& fields, chat::OrderedJson& parameters) {
  if (const auto seed = fields.integer("seed", 0, INT32_MAX)) parameters["seed"] = *seed;
  for (const char* name : {"prompt_extend", "watermark"}) {
    if (const auto on = fields.boolean(name)) parameters[name] = *on;
  }
}

HouseCall dashscope_picture(const MediaRequest& request, const std::string& model) {
  chat::Fields fields = words_of(request);
  chat::OrderedJson parameters = chat::OrderedJson::object();
  const chat::OrderedJson content = chat::OrderedJson::array({{{"text", fields.needed_text("prompt")}}});
  take_dashscope_size(fields, parameters);
  take_extras(fields, parameters);
  if (const auto n = fields.integer("n", 1, kMaxMediaImages)) parameters["n"] = *n;
  if (auto without = fields.text("negative_prompt")) parameters["negative_prompt"] = std::move(*without);
  fields.only("response_format", "url", "this house tells addresses of pictures");
  fields.end();
  const chat::OrderedJson message = {{"role", "user"}, {"content", content}};
  return json_call("//api/v1/services/aigc/multimodal-generation/generation",
                   {{"model", model},
                    {"input", {{"messages", chat::OrderedJson::array({message})}}},
                    {"parameters", std::move(parameters)}});
}

// Wan 2.6 and Qwen: output.choices; up to Wan 2.5: output.results, where one that failed has a code in its place.
std::vector<std::string> pictures_in(const Json& answer) {
  std::vector<std::string> urls;
  for (const Json& choice : at_path(answer, "output/choices")) {
    for (const Json& part : at_path(choice, "message/content")) {
      if (std::string url = text_at(part, "image"); !url.empty()) urls.push_back(std::move(url));
    }
  }
  for (const Json& result : at_path(answer, "output/results")) {
    if (std::string url = text_at(result, "url"); !url.empty()) urls.push_back(std::move(url));
  }
  return urls;
}

void dashscope_painted(const MediaRequest&, std::string& body, std::string& type) {
  const Json answer = house_answer(body);
  const std::vector<std::string> urls = pictures_in(answer);
  if (const std::string why = text_at(answer, "output/results/0/message"); urls.empty() && !why.empty())
    throw Error(Code::kUpstream, chat::one_line(why));
  body = image_list(urls, {});
  type = "application/json";
}

bool paints_in_a_task(const std::string& model) {
  if (model.starts_with("wanx")) return true;
  return model.size() > 6 && model.starts_with("wan2.") && model[5] >= '0' && model[5] <= '5' &&
         model.find("-t2i") != model.npos;
}

HouseCall picture_task(const MediaRequest& request, const std::string& model) {
  chat::Fields fields = words_of(request);
  chat::OrderedJson input = {{"prompt", fields.needed_text("prompt")}};
  if (auto without = fields.text("negative_prompt")) input["negative_prompt"] = std::move(*without);
  chat::OrderedJson parameters = chat::OrderedJson::object();
  take_dashscope_size(fields, parameters);
  take_extras(fields, parameters);
  if (const auto n = fields.integer("n", 1, kMaxMediaImages)) parameters["n"] = *n;
  fields.only("response_format", "url", "this house tells addresses of pictures");
  fields.end();
  return json_call("//api/v1/services/aigc/text2image/image-synthesis",
                   {{"model", model}, {"input", std::move(input)}, {"parameters", std::move(parameters)}},
                   {{"X-DashScope-Async", "enable"}});
}

HouseCall dashscope_film(const MediaRequest& request, const std::string& model) {
  chat::Fields fields = words_of(request);
  chat::OrderedJson input = {{"prompt", fields.needed_text("prompt")}};
  for (const char* name : {"negative_prompt", "img_url", "audio_url"}) {
    if (auto text = fields.text(name)) input[name] = std::move(*text);
  }
  chat::OrderedJson parameters = chat::OrderedJson::object();
  take_dashscope_size(fields, parameters);
  take_extras(fields, parameters);
  if (auto resolution = fields.text("resolution")) parameters["resolution"] = std::move(*resolution);
  if (fields.has("seconds")) parameters["duration"] = request.most.milliseconds / 1000;
  fields.end();
  return json_call("//api/v1/services/aigc/video-generation/video-synthesis",
                   {{"model", model}, {"input", std::move(input)}, {"parameters", std::move(parameters)}},
                   {{"X-DashScope-Async", "enable"}});
}

void read_task(const std::string& body, MediaJob& job) {
  const Json answer = house_answer(body);
  if (job.id.empty()) job.id = plain_id(text_at(answer, "output/task_id"));
  const std::string state = text_at(answer, "output/task_status");
  if (state == "PENDING" || state == "RUNNING") {
    job.state = state == "PENDING" ? JobState::kQueued : JobState::kRunning;
  } else if (state == "SUCCEEDED") {
    job.state = JobState::kDone;
    if (job.kind == MediaKind::kVideo) job.link = needed_link(text_at(answer, "output/video_url"));
    if (const Json usage = at_path(answer, "usage"); usage.is_object()) {
      job.raw_usage = usage.dump();
      job.seconds = text_at(usage, "duration");
      if (job.seconds.empty()) job.seconds = text_at(usage, "video_duration");
    }
  } else if (state == "FAILED" || state == "UNKNOWN") {
    job.state = JobState::kFailed;
    job.error =
        state == "UNKNOWN" ? "the house does not know the task" : chat::one_line(text_at(answer, "output/message"));
    job.code = chat::one_line(text_at(answer, "output/code"));
  } else if (state == "CANCELED") {
    job.state = JobState::kCancelled;
  } else {
    unknown_status();
  }
}

chat::OrderedJson ranking(const RerankRequest& request) {
  chat::OrderedJson parameters = {{"top_n", request.wanted()}, {"return_documents", false}};
  if (request.instruction) parameters["instruct"] = *request.instruction;
  return {{"model", request.model},
          {"input", {{"query", request.query}, {"documents", request.documents}}},
          {"parameters", std::move(parameters)}};
}

}  // namespace

House dashscope() {
  House house = openai_like("Alibaba Cloud (Qwen)", "阿里云百炼", "https://dashscope.aliyuncs.com/compatible-mode/v1",
                            "DASHSCOPE_API_KEY");
  house.key_page = "https://bailian.console.aliyun.com/?tab=model#/api-key";
  house.embeddings_path = "/embeddings";
  house.rerank = {.path = "//api/v1/services/rerank/text-rerank/text-rerank",
                  .knows = {"instruction"},
                  .ask = ranking,
                  .results = "output/results"};
  house.completions_path = "/completions";
  house.traits.top_k = true;
  house.traits.top_p_below = 1;
  house.traits.thinking = chat::AskingTraits::Thinking::kEnableThinking;
  house.models = {"qwen-max", "qwen-plus", "qwen-turbo", "qwen3-max"};
  house.media[MediaKind::kImage] = {.ask = dashscope_picture, .told = dashscope_painted};
  JobWay task{
      .submit = dashscope_film,
      .look =
          [](const MediaJob& job) { return HouseCall{.method = "GET", .path = "//api/v1/tasks/" + plain_id(job.id)}; },
      .cancel = [](const MediaJob& job) { return HouseCall{.path = "//api/v1/tasks/" + plain_id(job.id) + "/cancel"}; },
      .read = read_task};
  house.jobs[MediaKind::kVideo] = task;
  task.submit = picture_task;
  task.told = dashscope_painted;
  task.takes = paints_in_a_task;
  house.jobs[MediaKind::kImage] = task;
  return house;
}

}  // namespace shenbi::gateway::houses
