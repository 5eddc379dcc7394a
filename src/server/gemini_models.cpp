#include "server/gemini_models.h"

#include "base/reason.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server {
namespace {

chat::OrderedJson gemini_model(const gateway::ModelInfo& model) {
  return {{"name", "models/" + model.id},
          {"displayName", model.id},
          {"inputTokenLimit", model.context},
          {"outputTokenLimit", model.context},
          {"supportedGenerationMethods", {"generateContent", "streamGenerateContent", "countTokens"}}};
}

}  // namespace

bool is_gemini_client(const RouteCall& call) {
  return !call.request.header("x-goog-api-client").empty() || !call.request.header("x-goog-api-key").empty();
}

void list_gemini_models(RouteCall& call) {
  chat::OrderedJson models = chat::OrderedJson::array();
  for (const auto& model : visible_models(call)) models.push_back(gemini_model(model));
  send_json(call, 200, {{"models", models}});
}

void show_gemini_model(RouteCall& call, const std::string& name) {
  for (const auto& model : visible_models(call)) {
    if (model.id == name) return send_json(call, 200, gemini_model(model));
  }
  throw ReasonedError(Code::kNotFound, Reason::kModelNotFound, "model '" + name + "' is not here");
}

}  // namespace shenbi::server
