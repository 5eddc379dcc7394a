// The models that can be asked, as the OpenAI API lists them (GET /v1/models), with what a caller must know beyond it:
// whether the model is a base model, its context, what it takes.

#include "base/reason.h"
#include "server/anthropic_models.h"
#include "server/gemini_models.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::OrderedJson;

OrderedJson openai_model(const gateway::ModelInfo& m) {
  OrderedJson json = {{"id", m.id}, {"object", "model"}, {"created", m.created}, {"owned_by", m.owner}};
  json["shenbi"] = {{"kind", m.chat ? "chat" : "base"},
                    {"note", m.chat ? "" : "A base model: chats are put to it as a plain User: / Assistant: dialogue."},
                    {"context", m.context},
                    {"parameters", m.parameters},
                    {"bytes", m.bytes},
                    {"architecture", m.architecture},
                    {"quantisation", m.quantisation},
                    {"tools", m.tools},
                    {"thinking", m.thinking},
                    {"embeddings", m.embeddings},
                    {"loaded", m.loaded}};
  if (!m.alias_of.empty()) json["shenbi"]["alias_of"] = m.alias_of;
  return json;
}

void list_models(RouteCall& call) {
  if (is_gemini_client(call)) return list_gemini_models(call);
  if (is_anthropic_client(call)) return list_anthropic_models(call);
  OrderedJson data = OrderedJson::array();
  for (const gateway::ModelInfo& model : visible_models(call)) {
    data.push_back(openai_model(model));
  }
  send_json(call, 200, {{"object", "list"}, {"data", data}});
}

void one(RouteCall& call) {
  const std::string& id = call.path["id"];
  if (is_gemini_client(call)) return show_gemini_model(call, id);
  if (is_anthropic_client(call)) return show_anthropic_model(call, id);
  for (const gateway::ModelInfo& model : visible_models(call)) {
    if (model.id == id) return send_json(call, 200, openai_model(model));
  }
  throw ReasonedError(Code::kNotFound, Reason::kModelNotFound, "model '" + id + "' is not here");
}

}  // namespace

RouteList models() {
  return {Route::with_key(Face::kOpenAi, "GET", "/v1/models", Scope::kRead, list_models),
          Route::with_key(Face::kOpenAi, "GET", "/v1/models/{id...}", Scope::kRead, one)};
}

}  // namespace shenbi::server::routes
