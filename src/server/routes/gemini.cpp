// Google's generateContent, streamGenerateContent, countTokens and the list of models, under /v1beta.

#include "chat/dialect_gemini.h"

#include "server/answering.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

void generate(RouteCall& call, bool stream) {
  const bool sse = call.request.parameter("alt").value_or("") == "sse";
  chat::GeminiGenerate parsed = chat::parse_gemini_generate(call.request.body, call.path["model"], stream, sse);
  check_caller(call, parsed.request.model);
  parsed.request.tenant = call.caller.id;
  AnswerPlan plan{.stream = stream, .model = parsed.request.model};
  plan.writer = std::make_unique<chat::GeminiWriter>(
      parsed, chat::AnswerHead{chat::new_answer_id(""), parsed.request.model, seconds_now()});
  for (uint32_t i = 0; i < parsed.n; ++i) {
    chat::ChatRequest request = parsed.request;
    set_choice_seed(request.sampling, i);
    plan.starts.push_back([&state = call.state, request = std::move(request)](gateway::EventSink sink) {
      return state.provider->chat(request, std::move(sink));
    });
  }
  answer(call, std::move(plan));
}

void count_tokens(RouteCall& call) {
  const chat::GeminiGenerate parsed = chat::parse_gemini_count(call.request.body, call.path["model"]);
  check_caller(call, parsed.request.model);
  call.exchange->send(
      json_response(200, chat::gemini_token_count(call.state.provider->prompt_of(parsed.request).second.size())));
}

chat::OrderedJson gemini_model(const gateway::ModelInfo& model) {
  return {{"name", "models/" + model.id},
          {"displayName", model.id},
          {"inputTokenLimit", model.context},
          {"outputTokenLimit", model.context},
          {"supportedGenerationMethods", {"generateContent", "streamGenerateContent", "countTokens"}}};
}

void list(RouteCall& call) {
  chat::OrderedJson models = chat::OrderedJson::array();
  for (const auto& model : call.state.provider->models()) models.push_back(gemini_model(model));
  send_json(call, 200, {{"models", models}});
}

void one(RouteCall& call) {
  for (const auto& model : call.state.provider->models()) {
    if (model.id == call.path["model"]) return send_json(call, 200, gemini_model(model));
  }
  throw Error(Code::kNotFound, "model '" + call.path["model"] + "' is not here");
}

}  // namespace

RouteList gemini() {
  const auto infer = [](std::string_view pattern, RouteHandler handler) {
    return Route::with_key(Face::kGemini, "POST", pattern, Scope::kInfer, std::move(handler));
  };
  return {infer("/v1beta/models/{model}:generateContent", [](RouteCall& call) { generate(call, false); }),
          infer("/v1beta/models/{model}:streamGenerateContent", [](RouteCall& call) { generate(call, true); }),
          infer("/v1beta/models/{model}:countTokens", count_tokens),
          Route::with_key(Face::kGemini, "GET", "/v1beta/models", Scope::kRead, list),
          Route::with_key(Face::kGemini, "GET", "/v1beta/models/{model}", Scope::kRead, one)};
}

}  // namespace shenbi::server::routes
