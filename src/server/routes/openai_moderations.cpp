// OpenAI's POST /v1/moderations: asked by name what it can do here, it says that no model judges texts.

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "chat/fields.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

void moderations(RouteCall& call) {
  chat::Fields body = chat::Fields::of_body(call.request.body);
  const chat::OrderedJson& input = body.needed("input");
  if (!input.is_string() && !input.is_array()) {
    body.fail("input", fmt::format("expected a string or a list, found {}", chat::kind_of(input)));
  }
  const auto model = body.text("model");
  body.end();
  if (model) call.state.keys.check_model(call.caller, *model);
  throw Error(Code::kInvalidArgument,
              model ? fmt::format("model: '{}' does not judge texts, and no model of this server "
                                  "does: there are no moderations here",
                                  sanitize_utf8(*model))
                    : "model: no model of this server judges texts: there are no moderations here");
}

}  // namespace

RouteList openai_moderations() {
  return {Route::with_key(Face::kOpenAi, "POST", "/v1/moderations", Scope::kInfer, moderations)};
}

}  // namespace shenbi::server::routes
