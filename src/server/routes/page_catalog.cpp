// The catalog for the page: the program's, the user's over it, and the models of this machine (docs/catalog.md).

#include "catalog/filter.h"
#include "catalog/library.h"
#include "catalog/rows.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::OrderedJson;

catalog::Catalog everything(RouteCall& call) {
  catalog::Catalog all = *call.state.library.current();
  std::vector<catalog::Model> files;
  for (const gateway::ModelInfo& model : visible_models(call)) {
    if (model.owner != "local" || !model.alias_of.empty()) continue;
    files.push_back(catalog::local_model(
        {.name = model.id, .context = model.context, .tools = model.tools, .thinking = model.thinking}));
  }
  all.merge(catalog::Catalog(std::move(files)));
  return all;
}

void list_catalog(RouteCall& call) {
  const catalog::Catalog all = everything(call);
  OrderedJson models = OrderedJson::array();
  for (const catalog::Model* model : catalog::filtered(all, call.request.parameter("filter").value_or("")))
    models.push_back(catalog::write_model(*model));
  send_json(call, 200, {{"date", all.date()}, {"models", models}});
}

}  // namespace

RouteList page_catalog() { return {Route::with_key(Face::kPage, "GET", "/page/catalog", Scope::kRead, list_catalog)}; }

}  // namespace shenbi::server::routes
