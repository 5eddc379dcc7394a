// Stability AI: pictures, and music and noises as speech. A request is a form even without a file; the answer holds the
// picture as base64, or is the sound.

#include "gateway/house.h"
#include "gateway/media_words.h"

namespace shenbi::gateway::houses {
namespace {

HouseCall stability_picture(const MediaRequest& request, const std::string& model) {
  chat::Fields fields = words_of(request);
  std::vector<std::pair<std::string, std::string>> form = {{"prompt", fields.needed_text("prompt")}};
  const auto take = [&](const char* name) {
    if (auto text = fields.text(name)) form.emplace_back(name, std::move(*text));
  };
  take("negative_prompt");
  take("style_preset");
  take("output_format");
  if (const auto seed = fields.integer("seed", 0, 4'294'967'294)) form.emplace_back("seed", std::to_string(*seed));
  if (const auto ratio = ratio_of(fields, {"16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21"}))
    form.emplace_back("aspect_ratio", *ratio);
  fields.only("n", 1, "this house makes one picture a request");
  fields.only("response_format", "b64_json", "this house sends pictures, no addresses of them");
  fields.end();
  const bool sd3 = model.starts_with("sd3");
  if (sd3) form.emplace_back("model", model);
  const std::string path = sd3                             ? "sd3"
                           : model == "stable-image-ultra" ? "ultra"
                           : model == "stable-image-core"  ? "core"
                                                           : path_model(model);
  return form_call("/v2beta/stable-image/generate/" + path, form, {{"Accept", "application/json"}});
}

void stability_told(const MediaRequest&, std::string& body, std::string& type) {
  body = image_list({}, {text_at(house_answer(body), "image")});
  type = "application/json";
}

// The words of speech: the input is what is to be heard. A voice means nothing here, and OpenAI's clients must name
// one.
HouseCall sound(const MediaRequest& request, const std::string& model) {
  if (!model.starts_with("stable-audio-"))
    chat::refuse_field("model", "'" + model + "' makes no sound; stable-audio-2.5 does");
  chat::Fields fields = words_of(request);
  std::vector<std::pair<std::string, std::string>> form = {{"prompt", fields.needed_text("input")}, {"model", model}};
  // What a sound costs hangs on it, so it is not left to the house.
  const auto seconds = fields.integer("duration", 1, 190);
  if (!seconds) fields.fail("duration", "is required: how many seconds the sound lasts, up to 190");
  form.emplace_back("duration", std::to_string(*seconds));
  form.emplace_back("output_format", fields.word("response_format", {"mp3", "wav"}).value_or("mp3"));
  if (const auto seed = fields.integer("seed", 0, 4'294'967'294)) form.emplace_back("seed", std::to_string(*seed));
  if (const auto steps = fields.integer("steps", 4, 100)) form.emplace_back("steps", std::to_string(*steps));
  if (const auto scale = fields.integer("cfg_scale", 1, 25)) form.emplace_back("cfg_scale", std::to_string(*scale));
  fields.only("voice", "none", "this house makes sounds and no speech: none");
  fields.only("stream_format", "audio", "this house sends the sound alone");
  fields.refuse("instructions", "this house takes none");
  fields.refuse("speed", "this house takes none");
  fields.end();
  return form_call("/v2beta/audio/stable-audio-2/text-to-audio", form, {{"Accept", "audio/*"}});
}

}  // namespace

House stability() {
  House house = openai_like("Stability AI", "Stability AI", "https://api.stability.ai", "STABILITY_API_KEY");
  house.key_page = "https://platform.stability.ai/account/keys";
  house.chat_path = nullptr;
  house.models_path.clear();
  house.media[MediaKind::kImage] = {.ask = stability_picture, .told = stability_told};
  house.media[MediaKind::kSpeech] = {.ask = sound, .told = nullptr};
  house.models = {"stable-image-core", "stable-image-ultra", "sd3.5-large", "stable-audio-2.5"};
  return house;
}

}  // namespace shenbi::gateway::houses
