// Google's generateContent, streamGenerateContent, countTokens and the list of models, under /v1beta and /v1.

#include "chat/dialect_gemini.h"

#include "chat/fields.h"
#include "server/answering.h"
#include "server/gemini_models.h"
#include "server/passing.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

Translation gemini_translation(const std::string& body, const std::string& model, bool stream) {
  chat::GeminiGenerate parsed = chat::parse_gemini_generate(body, model, stream);
  if (parsed.n != 1) chat::refuse_field("candidateCount", "of this model's upstreams not every one gives several");
  chat::ChatRequest request = parsed.request;
  return {std::move(request), [parsed = std::move(parsed)] {
            return std::make_unique<chat::GeminiWriter>(
                parsed, chat::AnswerHead{chat::new_answer_id(""), parsed.request.model, seconds_now()});
          }};
}

void generate(RouteCall& call, bool stream) {
  const bool sse = call.request.parameter("alt").value_or("") == "sse";
  const std::string& model = call.path["model"];
  // An upstream is asked for events; a stream that is one JSON list is written here.
  if (sse || !stream) {
    const auto translate = [model, stream](const std::string& body) { return gemini_translation(body, model, stream); };
    if (pass(call, {.dialect = gateway::Dialect::kGemini, .model = model, .stream = stream, .translate = translate}))
      return;
  }
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

void count_gemini_tokens(RouteCall& call) {
  const auto counting = [&model = call.path["model"]](const std::string& body) {
    return Translation{chat::parse_gemini_count(body, model).request, {}};
  };
  if (pass_count(
          call,
          {.dialect = gateway::Dialect::kGemini, .model = call.path["model"], .stream = false, .translate = counting}))
    return;
  const chat::GeminiGenerate parsed = chat::parse_gemini_count(call.request.body, call.path["model"]);
  check_caller(call, parsed.request.model);
  call.exchange->send(
      json_response(200, chat::gemini_token_count(call.state.provider->prompt_of(parsed.request).second.size())));
}

}  // namespace

RouteList gemini() {
  RouteList routes;
  // Older clients say v1beta, newer ones v1.
  for (const std::string prefix : {"/v1beta/models", "/v1/models"}) {
    const auto infer = [&](const char* verb, RouteHandler handler) {
      routes.push_back(
          Route::with_key(Face::kGemini, "POST", prefix + "/{model...}:" + verb, Scope::kInfer, std::move(handler)));
    };
    infer("generateContent", [](RouteCall& call) { generate(call, false); });
    infer("streamGenerateContent", [](RouteCall& call) { generate(call, true); });
    infer("countTokens", count_gemini_tokens);
  }
  routes.push_back(Route::with_key(Face::kGemini, "GET", "/v1beta/models", Scope::kRead, list_gemini_models));
  routes.push_back(Route::with_key(Face::kGemini, "GET", "/v1beta/models/{model...}", Scope::kRead,
                                   [](RouteCall& call) { show_gemini_model(call, call.path["model"]); }));
  return routes;
}

}  // namespace shenbi::server::routes
