// POST /v1/embeddings: texts (or token ids) to vectors of length 1, as floats or base64 of little-endian f32.

#include <fmt/format.h>

#include <cstring>

#include "base/limits.h"
#include "chat/fields.h"
#include "server/answering.h"
#include "server/base64.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Fields;
using chat::OrderedJson;

// "input": a string, a list of strings, a list of ids, or a list of lists of ids.
std::vector<std::string> inputs_of(RouteCall& call, const std::string& model, const OrderedJson& input) {
  const auto text_of = [&](const OrderedJson& ids) {
    std::vector<int32_t> list;
    for (const OrderedJson& id : ids) {
      if (!id.is_number_integer())
        throw Error(Code::kInvalidArgument, fmt::format("input: expected token ids, found {}", id.type_name()));
      list.push_back(id.get<int32_t>());
    }
    return call.state.provider->detokenize(model, list);
  };
  if (input.is_string()) return {input.get<std::string>()};
  if (!input.is_array() || input.empty()) {
    throw Error(Code::kInvalidArgument, fmt::format("input: expected a string or a list, found {}",
                                                    input.is_array() ? "an empty list" : input.type_name()));
  }
  if (input.front().is_number()) return {text_of(input)};
  if (input.size() > limits::kMaxEmbeddingInputs) {
    throw Error(Code::kInvalidArgument,
                fmt::format("input: {} texts, at most {}", input.size(), limits::kMaxEmbeddingInputs));
  }
  std::vector<std::string> texts;
  for (const OrderedJson& item : input) {
    if (item.is_string())
      texts.push_back(item.get<std::string>());
    else if (item.is_array())
      texts.push_back(text_of(item));
    else
      throw Error(Code::kInvalidArgument,
                  fmt::format("input: expected strings or lists of token ids, found {}", item.type_name()));
  }
  return texts;
}

void embeddings(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const std::string model = body.needed_text("model");
  const OrderedJson input = body.any("input");
  const auto dimensions = body.integer("dimensions", 1, 1 << 20);
  const std::string format = body.text("encoding_format").value_or("float");
  body.text("user");  // whom it is for: nothing here depends on it
  body.end();
  if (format != "float" && format != "base64") {
    throw Error(Code::kInvalidArgument, fmt::format("encoding_format: '{}' is neither float nor base64", format));
  }
  call.state.keys.check_model(call.caller, model);
  call.state.keys.check_quota(call.caller);
  const auto texts = inputs_of(call, model, input);
  for (const std::string& text : texts) {
    if (text.empty()) throw Error(Code::kInvalidArgument, "input: a text is empty");
  }
  const auto result = embed(call, model, texts, static_cast<uint32_t>(dimensions.value_or(0)));
  OrderedJson data = OrderedJson::array();
  for (size_t i = 0; i < result.vectors.size(); ++i) {
    const auto& vector = result.vectors[i];
    OrderedJson item = {{"object", "embedding"}, {"index", i}};
    if (format == "float") {
      item["embedding"] = vector;
    } else {
      item["embedding"] = base64({reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)});
    }
    data.push_back(std::move(item));
  }
  send_json(call, 200,
            {{"object", "list"},
             {"data", data},
             {"model", model},
             {"usage", {{"prompt_tokens", result.tokens}, {"total_tokens", result.tokens}}}});
}

}  // namespace

RouteList openai_embeddings() {
  return {Route::with_key(Face::kOpenAi, "POST", "/v1/embeddings", Scope::kInfer, embeddings)};
}

}  // namespace shenbi::server::routes
