// POST /v1/rerank and /v2/rerank: documents in order of how well each answers a query, by a model of an upstream. The
// form is Jina's, which vLLM, SiliconFlow and others share; Cohere's clients ask the same at either path.

#include <fmt/format.h>

#include "base/limits.h"
#include "chat/fields.h"
#include "server/answering.h"
#include "server/ids.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Fields;
using chat::OrderedJson;

constexpr int64_t kMostTokens = 1 << 24;  // of a setting that counts them

// A document: a string, or {"text": "..."}.
std::string document_of(const OrderedJson& item, const std::string& place) {
  if (item.is_string()) return item.get<std::string>();
  if (!item.is_object())
    chat::refuse_field(place, fmt::format("expected a string or an object, found {}", chat::kind_of(item)));
  Fields fields(item, place);
  std::string text = fields.needed_text("text");
  fields.end();
  return text;
}

std::vector<std::string> documents_of(Fields& body, uint64_t query_bytes) {
  const OrderedJson& list = body.needed_list("documents", limits::kMaxRerankDocuments);
  if (list.empty()) body.fail("documents", "is empty");
  std::vector<std::string> texts;
  uint64_t bytes = query_bytes;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string place = fmt::format("documents[{}]", i);
    texts.push_back(document_of(list[i], place));
    if (texts.back().empty()) chat::refuse_field(place, "is empty");
    bytes += texts.back().size();
    if (bytes > limits::kMaxRerankBytes)
      body.fail("documents", fmt::format("more than {} bytes with the query", limits::kMaxRerankBytes));
  }
  return texts;
}

OrderedJson answer_of(const gateway::Ranking& ranking, const gateway::RerankRequest& asked, bool with_documents) {
  OrderedJson results = OrderedJson::array();
  for (const gateway::Ranked& one : ranking.results) {
    OrderedJson item = {{"index", one.index}, {"relevance_score", one.score}};
    if (with_documents) item["document"] = {{"text", asked.documents[one.index]}};
    results.push_back(std::move(item));
  }
  OrderedJson meta = {{"tokens", {{"input_tokens", ranking.tokens}, {"output_tokens", 0}}}};
  if (ranking.searches > 0) meta["billed_units"] = {{"search_units", ranking.searches}};
  return {{"id", "rerank-" + new_id()},
          {"model", asked.model},
          {"results", std::move(results)},
          {"usage", {{"prompt_tokens", ranking.tokens}, {"total_tokens", ranking.tokens}}},
          {"meta", std::move(meta)}};
}

void put_in_order(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  gateway::RerankRequest asked{.model = body.needed_text("model"), .query = body.needed_text("query")};
  if (asked.query.empty()) body.fail("query", "is empty");
  asked.documents = documents_of(body, asked.query.size());
  asked.top_n =
      static_cast<uint32_t>(body.integer("top_n", 1, static_cast<int64_t>(limits::kMaxRerankDocuments)).value_or(0));
  const bool with_documents = body.boolean("return_documents").value_or(false);
  asked.instruction = body.text("instruction");
  asked.max_tokens_per_doc = body.integer("max_tokens_per_doc", 1, kMostTokens);
  asked.max_chunks_per_doc = body.integer("max_chunks_per_doc", 1, kMostTokens);
  asked.overlap_tokens = body.integer("overlap_tokens", 0, kMostTokens);
  asked.truncate_prompt_tokens = body.integer("truncate_prompt_tokens", 1, kMostTokens);
  body.only("rank_fields", OrderedJson::array({"text"}), "documents have one field, \"text\"");
  body.text("user");  // whom it is for: nothing here depends on it
  body.end();
  call.state.keys.check_model(call.caller, asked.model);
  call.state.keys.check_quota(call.caller);
  const gateway::Ranking ranking = rank(call, asked);
  send_json(call, 200, answer_of(ranking, asked, with_documents));
}

}  // namespace

RouteList rerank() {
  return {Route::with_key(Face::kOpenAi, "POST", "/v1/rerank", Scope::kInfer, put_in_order),
          Route::with_key(Face::kOpenAi, "POST", "/v2/rerank", Scope::kInfer, put_in_order)};
}

}  // namespace shenbi::server::routes
