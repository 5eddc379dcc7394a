// Google Gemini: generateContent. The model stands in the path.

#include "gateway/house.h"
#include "net/http.h"

namespace shenbi::gateway::houses {

House gemini() {
  House house;
  house.title = house.title_zh = "Google Gemini";
  house.base_url = "https://generativelanguage.googleapis.com/v1beta";
  house.key_variable = "GEMINI_API_KEY";
  house.key_page = "https://aistudio.google.com/apikey";
  house.dialect = Dialect::kGemini;
  house.authorise = key_header("x-goog-api-key");
  house.chat_path = [](const std::string& model, bool stream) {
    return "/models/" + net::encode_path(model) + (stream ? ":streamGenerateContent?alt=sse" : ":generateContent");
  };
  house.count_path = [](const std::string& model) { return "/models/" + net::encode_path(model) + ":countTokens"; };
  house.models_path = "/models";
  house.models = {"gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.0-flash"};
  return house;
}

}  // namespace shenbi::gateway::houses
