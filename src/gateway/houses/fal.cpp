// fal.ai: pictures, by the address that waits for them. The model is the path: "fal-ai/flux/schnell".

#include "gateway/house.h"
#include "gateway/media_words.h"

namespace shenbi::gateway::houses {
namespace {

HouseCall ask(const MediaRequest& request, const std::string& model) {
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
  return json_call("/" + model, body);
}

void told(const MediaRequest&, std::string& body, std::string& type) {
  const Json answer = house_answer(body);
  std::vector<std::string> urls;
  for (const Json& image : at_path(answer, "images")) {
    if (std::string url = text_at(image, "url"); !url.empty()) urls.push_back(std::move(url));
  }
  body = image_list(urls, {});
  type = "application/json";
}

}  // namespace

House fal() {
  House house = openai_like("fal.ai", "fal.ai", "https://fal.run", "FAL_KEY");
  house.key_page = "https://fal.ai/dashboard/keys";
  house.authorise = [](net::ClientRequest& request, const Account& account, int64_t) {
    if (!account.key.empty()) request.headers.emplace_back("Authorization", "Key " + account.key);
  };
  house.chat_path = nullptr;
  house.models_path.clear();
  house.media[MediaKind::kImage] = {.ask = ask, .told = told};
  house.models = {"fal-ai/flux/schnell", "fal-ai/flux/dev"};
  return house;
}

}  // namespace shenbi::gateway::houses
