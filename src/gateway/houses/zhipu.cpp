// Zhipu: GLM. Keys are "id.secret" and are sent as they are, as its own library does by default; with the setting
// auth=token they sign instead and are not sent. Pictures are asked for in OpenAI's words, films in a task of its own.

#include "base/error.h"
#include "chat/upstream_error.h"
#include "gateway/media_words.h"
#include "gateway/signers.h"

namespace shenbi::gateway::houses {
namespace {

HouseCall zhipu_film(const MediaRequest& request, const std::string& model) {
  chat::Fields fields = words_of(request);
  chat::OrderedJson body = {{"model", model}, {"prompt", fields.needed_text("prompt")}};
  if (fields.has("seconds")) body["duration"] = request.most.milliseconds / 1000;
  for (const char* name : {"size", "quality", "image_url", "request_id"}) {
    if (auto text = fields.text(name)) body[name] = std::move(*text);
  }
  if (const auto sound = fields.boolean("with_audio")) body["with_audio"] = *sound;
  if (const auto fps = fields.integer("fps", 1, 240)) body["fps"] = *fps;
  fields.end();
  return json_call("/videos/generations", body);
}

void read_zhipu_film(const std::string& body, MediaJob& job) {
  const Json answer = house_answer(body);
  if (job.id.empty()) job.id = plain_id(text_at(answer, "id"));
  const std::string state = text_at(answer, "task_status");
  if (state == "PROCESSING") {
    job.state = JobState::kRunning;
  } else if (state == "SUCCESS") {
    job.state = JobState::kDone;
    job.link = text_at(answer, "video_result/0/url");
    if (job.link.empty()) throw Error(Code::kUpstream, "its answer names no result");
  } else if (state == "FAIL") {
    job.state = JobState::kFailed;
    job.error = chat::one_line(text_at(answer, "error/message"));
    job.code = chat::one_line(text_at(answer, "error/code"));
  } else {
    throw Error(Code::kUpstream, "its answer is of an unknown status");
  }
}

}  // namespace

House zhipu() {
  House house = openai_like("Zhipu AI (GLM)", "智谱", "https://open.bigmodel.cn/api/paas/v4", "ZHIPUAI_API_KEY");
  house.key_page = "https://open.bigmodel.cn/usercenter/apikeys";
  house.signs = true;
  house.authorise = [signs = zhipu_token(), sends = bearer()](net::ClientRequest& request, const Account& account,
                                                              int64_t now) {
    const auto auth = account.settings.find("auth");
    (auth != account.settings.end() && auth->second == "token" ? signs : sends)(request, account, now);
  };
  house.embeddings_path = "/embeddings";
  house.rerank = flat_rerank("/rerank", {"return_documents"});
  house.models_path.clear();
  house.traits.top_p_below = 1;
  house.traits.seed_field.clear();
  house.traits.json_schema = false;
  house.traits.thinking = chat::AskingTraits::Thinking::kThinkingType;
  house.traits.logprobs = false;
  house.traits.logit_bias = false;
  house.traits.penalties = false;
  house.models = {"glm-4.6", "glm-4.5", "glm-4.5-air", "glm-4-flash"};
  speaks_openai_media(house, {MediaKind::kImage});
  house.jobs[MediaKind::kVideo] = {
      .submit = zhipu_film,
      .look =
          [](const MediaJob& job) { return HouseCall{.method = "GET", .path = "/async-result/" + plain_id(job.id)}; },
      .cancel = nullptr,
      .read = read_zhipu_film,
      .content = nullptr};
  return house;
}

}  // namespace shenbi::gateway::houses
