#pragma once
// Documents put in order by how well each answers a query: what is asked, what comes back, and how a house says both.
// A model of another house does it; local ones do not.
//
//   Ranking ranking = provider.rerank({.model = "jina/jina-reranker-v3", .query = "red pandas", .documents = texts},
//   {}); texts[ranking.results.front().index];  // the best

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/types.h"

namespace shenbi::gateway {

struct RerankRequest {
  std::string model;
  std::string query;
  std::vector<std::string> documents;
  uint32_t top_n = 0;  ///< how many of the best to tell; 0, or more than there are: all
  // What some houses know; a house that does not refuses them by name.
  std::optional<std::string> instruction;  ///< what makes a document a good answer
  std::optional<int64_t> max_tokens_per_doc, max_chunks_per_doc, overlap_tokens, truncate_prompt_tokens;
  std::string tenant;  ///< whose key

  /// How many results the answer has.
  size_t wanted() const;
};

struct Ranked {
  size_t index = 0;  ///< of the document as it was given
  double score = 0;  ///< of the house's own scale; only the order compares across houses
};

struct Ranking {
  std::vector<Ranked> results;  ///< best first, RerankRequest::wanted() of them, none twice
  uint64_t tokens = 0;          ///< of the query, once for each document, and the documents; 0: the house does not tell
  uint64_t searches = 0;        ///< what some houses charge for instead; 0: it does not tell
  std::string raw_usage;        ///< as the house wrote it
  std::string upstream, model;  ///< set by the router: who ranked them
};

/// How a house is asked to rank.
struct RerankWay {
  std::string path;                     ///< below the base URL (two slashes: below its host); "": it ranks nothing
  std::vector<std::string_view> knows;  ///< the optional fields of a request that it has words for, by our names
  std::function<chat::OrderedJson(const RerankRequest& request)> ask;
  std::string results = "results";  ///< where they lie in the answer: "output/results"
};

/// Jina's form, which most have taken over: {model, query, documents, top_n} and the optional fields that the house
/// knows. With "return_documents" among those it is told not to send the documents back: they are here already.
RerankWay flat_rerank(std::string path, std::vector<std::string_view> knows = {});

/// Throws Error{kInvalidArgument} naming an optional field that the house does not know.
void check_rerank(const RerankWay& way, const RerankRequest& request, std::string_view house);

/// What a house answered, in order. Throws Error{kUpstream} "its ranking is ..." for what is none of these documents:
/// not in its form, an index beyond them or told twice, a score that is no number, fewer than were asked for.
Ranking read_ranking(const RerankWay& way, const RerankRequest& request, std::string_view answer);

}  // namespace shenbi::gateway
