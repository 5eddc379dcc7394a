// Stability AI: pictures alone. A request is a form even without a file; the answer holds the picture as base64.

#include "gateway/house.h"
#include "gateway/media_words.h"

namespace shenbi::gateway::houses {
namespace {

HouseCall ask(const MediaRequest& request, const std::string& model) {
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
                                                           : model;
  return form_call("/v2beta/stable-image/generate/" + path, form, {{"Accept", "application/json"}});
}

void told(const MediaRequest&, std::string& body, std::string& type) {
  body = image_list({}, {text_at(house_answer(body), "image")});
  type = "application/json";
}

}  // namespace

House stability() {
  House house = openai_like("Stability AI", "Stability AI", "https://api.stability.ai", "STABILITY_API_KEY");
  house.key_page = "https://platform.stability.ai/account/keys";
  house.chat_path = nullptr;
  house.models_path.clear();
  house.media[MediaKind::kImage] = {.ask = ask, .told = told};
  house.models = {"stable-image-core", "stable-image-ultra", "sd3.5-large"};
  return house;
}

}  // namespace shenbi::gateway::houses
