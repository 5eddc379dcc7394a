// Texts to tokens and back, in the words of vLLM (/tokenize, /detokenize, /tokenizer_info), which lm-evaluation-harness
// and others use.

#include <fmt/format.h>

#include "chat/fields.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Fields;
using chat::OrderedJson;

// These routes come from servers of one model, so the name may be left away where only one can be meant.
std::string model_or_only(RouteCall& call, const std::optional<std::string>& given) {
  std::string model = given.value_or("");
  if (!given) {
    const auto& served = call.state.options.models;
    const auto loaded = call.state.service->all_loaded();
    if (served.size() == 1)
      model = served.front();
    else if (served.empty() && loaded.size() == 1)
      model = loaded.front()->name();
    else
      throw Error(Code::kInvalidArgument, "model: is needed, because this server has several");
  }
  call.state.keys.check_model(call.caller, model);
  return model;
}

void tokenize(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const std::string model = model_or_only(call, body.text("model"));
  const std::string prompt = body.needed_text("prompt");
  const bool special = body.boolean("add_special_tokens").value_or(true),
             pieces = body.boolean("return_token_strs").value_or(false);
  body.end();
  // Spelled control tokens are control tokens here, as in the routes that these imitate: callers ask for the id of
  // "<eos>" so.
  const auto ids = call.state.provider->tokenize(model, prompt, special, true);
  const auto loaded = call.state.service->load(model);
  OrderedJson json = {{"count", ids.size()}, {"max_model_len", loaded->context()}, {"tokens", ids}};
  if (pieces) {
    OrderedJson texts = OrderedJson::array();
    for (const int32_t id : ids) texts.push_back(loaded->model().tokenizer->token_text(id));
    json["token_strs"] = std::move(texts);
  }
  send_json(call, 200, json);
}

void detokenize(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const std::string model = model_or_only(call, body.text("model"));
  const OrderedJson tokens = body.any("tokens");
  body.end();
  if (!tokens.is_array()) throw Error(Code::kInvalidArgument, "tokens: a list of ids is needed");
  std::vector<int32_t> ids;
  for (const OrderedJson& id : tokens) {
    if (!id.is_number_integer())
      throw Error(Code::kInvalidArgument, fmt::format("tokens: expected ids, found {}", id.type_name()));
    const auto value = id.get<int64_t>();
    ids.push_back(value < 0 || value > INT32_MAX ? -1 : static_cast<int32_t>(value));
  }
  send_json(call, 200, {{"prompt", call.state.provider->detokenize(model, ids)}});
}

void tokenizer_info(RouteCall& call) {
  const std::string model = model_or_only(call, call.request.parameter("model"));
  call.state.provider->prepare(model);
  const auto loaded = call.state.service->load(model);
  const auto& tokenizer = *loaded->model().tokenizer;
  const auto text = [&](std::optional<int32_t> id) {
    return id ? OrderedJson(tokenizer.token_text(*id)) : OrderedJson();
  };
  OrderedJson json = {{"vocab_size", tokenizer.vocab_size()},  {"model_max_length", loaded->context()},
                      {"bos_token", text(tokenizer.bos())},    {"eos_token", text(tokenizer.eos())},
                      {"add_bos_token", tokenizer.adds_bos()}, {"chat_template", nullptr}};
  if (loaded->model().chat_template) json["chat_template"] = loaded->model().chat_template->text();
  send_json(call, 200, json);
}

}  // namespace

RouteList tokens() {
  return {Route::with_key(Face::kOpenAi, "POST", "/tokenize", Scope::kInfer, tokenize),
          Route::with_key(Face::kOpenAi, "POST", "/detokenize", Scope::kInfer, detokenize),
          Route::with_key(Face::kOpenAi, "GET", "/tokenizer_info", Scope::kRead, tokenizer_info)};
}

}  // namespace shenbi::server::routes
