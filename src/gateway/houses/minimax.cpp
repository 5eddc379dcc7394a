// MiniMax: near to OpenAI's form; an error comes as status 200 with base_resp.status_code. Speech comes as hexadecimal
// digits in JSON, pictures as two lists. A film is a task that ends in the id of a file, which is asked for its
// address; a task cannot be stopped.

#include <algorithm>

#include "base/error.h"
#include "chat/upstream_error.h"
#include "gateway/house.h"
#include "gateway/media_words.h"

namespace shenbi::gateway::houses {
namespace {

HouseCall speech(const MediaRequest& request, const std::string& model) {
  chat::Fields fields = words_of(request);
  const std::string format = fields.word("response_format", {"mp3", "pcm", "flac", "wav"}).value_or("mp3");
  chat::OrderedJson voice = {{"voice_id", fields.needed_text("voice")}};
  if (const auto speed = fields.number("speed", 0.5, 2)) voice["speed"] = *speed;
  const chat::OrderedJson body = {{"model", model},
                                  {"text", fields.needed_text("input")},
                                  {"stream", false},
                                  {"voice_setting", std::move(voice)},
                                  {"audio_setting", {{"format", format}}}};
  fields.only("stream_format", "audio", "this house sends the sound alone");
  fields.refuse("instructions", "this house takes none");
  fields.end();
  return json_call("/t2a_v2", body);
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void spoken(const MediaRequest& request, std::string& body, std::string& type) {
  const std::string hex = text_at(house_answer(body), "data/audio");
  const bool good =
      !hex.empty() && hex.size() % 2 == 0 && std::all_of(hex.begin(), hex.end(), [](char c) { return digit(c) >= 0; });
  if (!good) throw Error(Code::kUpstream, "its answer holds no sound");
  body.assign(hex.size() / 2, '\0');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
  const std::string format = request.words.value("response_format", std::string("mp3"));
  type = "audio/" + (format == "mp3" ? "mpeg" : format);
}

HouseCall minimax_picture(const MediaRequest& request, const std::string& model) {
  chat::Fields fields = words_of(request);
  chat::OrderedJson body = {{"model", model}, {"prompt", fields.needed_text("prompt")}};
  if (const auto n = fields.integer("n", 1, 9)) body["n"] = *n;
  if (const auto seed = fields.integer("seed", 0, INT64_MAX)) body["seed"] = *seed;
  if (const auto ratio = ratio_of(fields, {"1:1", "16:9", "4:3", "3:2", "2:3", "3:4", "9:16", "21:9"}))
    body["aspect_ratio"] = *ratio;
  if (const auto better = fields.boolean("prompt_optimizer")) body["prompt_optimizer"] = *better;
  const bool bytes = fields.word("response_format", {"url", "b64_json"}).value_or("url") == "b64_json";
  body["response_format"] = bytes ? "base64" : "url";
  fields.end();
  return json_call("/image_generation", body);
}

std::vector<std::string> texts_in(const Json& list) {
  std::vector<std::string> texts;
  for (const Json& one : list) {
    if (one.is_string()) texts.push_back(one.get<std::string>());
  }
  return texts;
}

void minimax_painted(const MediaRequest&, std::string& body, std::string& type) {
  const Json answer = house_answer(body);
  body = image_list(texts_in(at_path(answer, "data/image_urls")), texts_in(at_path(answer, "data/image_base64")));
  type = "application/json";
}

HouseCall minimax_film(const MediaRequest& request, const std::string& model) {
  chat::Fields fields = words_of(request, "input_reference");
  chat::OrderedJson body = {{"model", model}, {"prompt", fields.needed_text("prompt")}};
  if (auto picture = first_picture(request, fields)) body["first_frame_image"] = std::move(*picture);
  if (auto last = fields.text("last_frame_image")) body["last_frame_image"] = std::move(*last);
  if (fields.has("seconds")) body["duration"] = request.most.milliseconds / 1000;
  if (auto resolution = fields.text("resolution")) body["resolution"] = std::move(*resolution);
  for (const char* name : {"prompt_optimizer", "fast_pretreatment", "aigc_watermark"}) {
    if (const auto on = fields.boolean(name)) body[name] = *on;
  }
  fields.refuse("size", "this house takes a resolution, as 768P or 1080P");
  fields.end();
  return json_call("/video_generation", body);
}

void read_minimax_film(const std::string& body, MediaJob& job) {
  const Json answer = house_answer(body);
  const std::string state = text_at(answer, "status");
  const std::string code = text_at(answer, "base_resp/status_code");
  const std::string why = chat::one_line(text_at(answer, "base_resp/status_msg"));
  if (job.id.empty()) {  // the answer to the submission has no status
    job.id = plain_id(text_at(answer, "task_id"));
  } else if (state == "Preparing" || state == "Queueing") {
    job.state = JobState::kQueued;
  } else if (state == "Processing") {
    job.state = JobState::kRunning;
  } else if (state == "Success") {
    job.state = JobState::kDone;
    const std::string width = text_at(answer, "video_width"), height = text_at(answer, "video_height");
    if (!width.empty() && !height.empty()) job.size = chat::one_line(width + "x" + height);
  } else if (state == "Fail") {
    job.state = JobState::kFailed;
    job.error = why;
    job.code = chat::one_line(code);
  } else if (!code.empty() && code != "0") {
    throw Error(Code::kUpstream, why);
  } else {
    unknown_status();
  }
}

HouseCall film_file(const MediaJob&, const std::string& state) {
  const std::string id = plain_id(text_at(house_answer(state), "file_id"));
  return {.method = "GET", .path = "/files/retrieve?file_id=" + id};
}

void read_film_file(const std::string& body, MediaJob& job) {
  job.link = needed_link(text_at(house_answer(body), "file/download_url"));
}

}  // namespace

House minimax() {
  House house = openai_like("MiniMax", "MiniMax", "https://api.minimaxi.com/v1", "MINIMAX_API_KEY");
  house.key_page = "https://platform.minimaxi.com/user-center/basic-information/interface-key";
  house.models_path.clear();
  house.chat_path = [](const std::string&, bool) { return "/text/chatcompletion_v2"; };
  house.traits.logit_bias = false;
  house.traits.logprobs = false;
  house.traits.seed_field.clear();
  house.traits.penalties = false;
  house.models = {"MiniMax-M2", "MiniMax-Text-01"};
  house.media[MediaKind::kSpeech] = {.ask = speech, .told = spoken};
  house.media[MediaKind::kImage] = {.ask = minimax_picture, .told = minimax_painted};
  house.jobs[MediaKind::kVideo] = {
      .submit = minimax_film,
      .look =
          [](const MediaJob& job) {
            return HouseCall{.method = "GET", .path = "/query/video_generation?task_id=" + plain_id(job.id)};
          },
      .read = read_minimax_film,
      .result = film_file,
      .read_result = read_film_file};
  return house;
}

}  // namespace shenbi::gateway::houses
