// What the page's room of models offers to fetch (docs/page-api.md). Fetching itself is POST /api/pull.

#include "base/folders.h"
#include "formats/model_store.h"
#include "formats/pull.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::OrderedJson;

void known(RouteCall& call) {
  const formats::ModelStore store(data_folder());
  OrderedJson all = OrderedJson::array();
  for (const formats::KnownModel& one : formats::known_models()) {
    all.push_back({{"name", one.name},
                   {"title", one.title},
                   {"quantisation", one.quantisation},
                   {"chat", one.chat},
                   {"here", store.describe(one.name).has_value()}});
  }
  send_json(call, 200, {{"models", all}});
}

}  // namespace

RouteList page_models() { return {Route::with_key(Face::kPage, "GET", "/page/known-models", Scope::kManage, known)}; }

}  // namespace shenbi::server::routes
