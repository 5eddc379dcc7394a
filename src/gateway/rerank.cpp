#include "gateway/rerank.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "base/reason.h"
#include "chat/fields.h"
#include "chat/upstream_error.h"
#include "gateway/provider.h"

namespace shenbi::gateway {
namespace {

constexpr size_t kMaxRawUsageBytes = 4u << 10;  // of a ledger's row; houses write under 300

[[noreturn]] void odd(std::string_view why) { throw Error(Code::kUpstream, fmt::format("its ranking is {}", why)); }

// What stands at a path of names, "output/results"; null if it is not there.
const Json* at(const Json& json, std::string_view path) {
  const Json* here = &json;
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    const auto found = here->is_object() ? here->find(path.substr(0, end)) : here->end();
    if (found == here->end()) return nullptr;
    here = &*found;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return here;
}

// The first of these that is a count above 0.
uint64_t count_at(const Json& json, std::initializer_list<std::string_view> paths) {
  for (const std::string_view path : paths) {
    const Json* found = at(json, path);
    if (found && found->is_number_unsigned() && *found > 0) return found->get<uint64_t>();
  }
  return 0;
}

// Jina, vLLM, Zhipu and DashScope tell `usage`, Cohere and SiliconFlow `meta`.
void read_usage(const Json& answer, Ranking& ranking) {
  ranking.tokens = count_at(answer, {"usage/prompt_tokens", "usage/input_tokens", "usage/total_tokens",
                                     "meta/tokens/input_tokens", "meta/billed_units/input_tokens"});
  ranking.searches = count_at(answer, {"meta/billed_units/search_units"});
  for (const char* name : {"usage", "meta"}) {
    const Json* told = at(answer, name);
    if (!told || !told->is_object()) continue;
    std::string text = told->dump();
    if (text.size() <= kMaxRawUsageBytes) ranking.raw_usage = std::move(text);
    return;
  }
}

// An optional field of a request.
struct Extra {
  std::string_view name;
  chat::OrderedJson value;  // null: not given
};

std::vector<Extra> extras_of(const RerankRequest& request) {
  const auto of = [](const auto& value) { return value ? chat::OrderedJson(*value) : chat::OrderedJson(); };
  return {{"instruction", of(request.instruction)},
          {"max_tokens_per_doc", of(request.max_tokens_per_doc)},
          {"max_chunks_per_doc", of(request.max_chunks_per_doc)},
          {"overlap_tokens", of(request.overlap_tokens)},
          {"truncate_prompt_tokens", of(request.truncate_prompt_tokens)}};
}

bool holds(const std::vector<std::string_view>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

size_t RerankRequest::wanted() const {
  return top_n == 0 ? documents.size() : std::min<size_t>(top_n, documents.size());
}

void check_rerank(const RerankWay& way, const RerankRequest& request, std::string_view house) {
  for (const Extra& extra : extras_of(request)) {
    if (!extra.value.is_null() && !holds(way.knows, extra.name))
      chat::refuse_field(extra.name, fmt::format("{} has no such setting of a ranking", house));
  }
}

RerankWay flat_rerank(std::string path, std::vector<std::string_view> knows) {
  const bool sends_back = holds(knows, "return_documents");
  const auto ask = [sends_back](const RerankRequest& request) {
    chat::OrderedJson body = {{"model", request.model},
                              {"query", request.query},
                              {"documents", request.documents},
                              {"top_n", request.wanted()}};
    if (sends_back) body["return_documents"] = false;
    for (Extra& extra : extras_of(request)) {
      if (!extra.value.is_null()) body[std::string(extra.name)] = std::move(extra.value);
    }
    return body;
  };
  return {.path = std::move(path), .knows = std::move(knows), .ask = ask};
}

Ranking read_ranking(const RerankWay& way, const RerankRequest& request, std::string_view answer) {
  Json json;
  try {
    json = parse_json(answer, "ranking");
  } catch (const Error&) {
    odd("no JSON");
  }
  const Json* results = at(json, way.results);
  if (!results || !results->is_array()) {
    const auto error = json.is_object() ? chat::error_in(chat::OrderedJson(json), 200, {}) : std::nullopt;
    if (error) throw Error(Code::kUpstream, error->message);
    odd("not a list of results");
  }
  Ranking ranking;
  std::vector<bool> seen(request.documents.size());
  for (const Json& one : *results) {
    const Json *index = at(one, "index"), *score = at(one, "relevance_score");
    if (!index || !index->is_number_unsigned() || !score || !score->is_number())
      odd("without an index and a relevance_score for each result");
    const Ranked ranked{.index = index->get<size_t>(), .score = score->get<double>()};
    if (ranked.index >= seen.size()) odd("of documents that it was not given");
    if (seen[ranked.index]) odd("of a document twice");
    if (!std::isfinite(ranked.score)) odd("without an index and a relevance_score for each result");
    seen[ranked.index] = true;
    ranking.results.push_back(ranked);
  }
  if (ranking.results.size() < request.wanted())
    odd(fmt::format("of {} documents, {} were asked for", ranking.results.size(), request.wanted()));
  std::stable_sort(ranking.results.begin(), ranking.results.end(),
                   [](const Ranked& a, const Ranked& b) { return a.score > b.score; });
  ranking.results.resize(request.wanted());
  read_usage(json, ranking);
  return ranking;
}

Ranking Provider::rerank(const RerankRequest& request, std::stop_token) {
  const auto all = models();
  if (std::none_of(all.begin(), all.end(), [&](const ModelInfo& info) { return info.id == request.model; }))
    throw ReasonedError(Code::kNotFound, Reason::kModelNotFound,
                        fmt::format("model '{}' is not here, and no upstream offers it", request.model));
  throw Error(Code::kUnsupported,
              fmt::format("model: '{}' runs here, and local models do not rerank; name one of an upstream "
                          "(UPSTREAM/MODEL)",
                          request.model));
}

}  // namespace shenbi::gateway
