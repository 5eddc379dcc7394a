#include "eval/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "engine/kv_cache.h"

namespace shenbi::eval {

void for_each_row(const engine::Model& model, std::span<const int32_t> tokens, ThreadTeam& team,
                  const std::function<void(size_t, std::span<float>)>& visit) {
  // 64 rows of a 262,144-word vocabulary are 64 MiB of logits, and enough rows to keep the products busy.
  constexpr size_t kChunk = 64;
  const auto& spec = model.decoder->spec();
  if (tokens.size() > spec.context_length) {
    throw Error(Code::kInvalidArgument,
                fmt::format("the text has {} tokens, the context is {}", tokens.size(), spec.context_length));
  }
  const auto pages_needed =
      static_cast<uint32_t>((tokens.size() + models::kPagePositions - 1) / models::kPagePositions);
  engine::KvCache cache(model.decoder->kv_page_bytes(), std::max(pages_needed, 1u));
  std::vector<uint32_t> pages;
  while (pages.size() < pages_needed) pages.push_back(cache.allocate().value());
  models::Workspace workspace;
  std::vector<float> logits(std::min(kChunk, tokens.size()) * spec.vocab_size);
  for (size_t at = 0; at < tokens.size(); at += kChunk) {
    const size_t count = std::min(kChunk, tokens.size() - at);
    const models::SequenceSlice slice{
        .tokens = tokens.subspan(at, count), .start = static_cast<uint32_t>(at), .pages = pages, .all_logits = true};
    model.decoder->forward({&slice, 1}, cache.pool(), workspace, team, logits.data());
    for (size_t i = 0; i < count; ++i) visit(at + i, std::span(logits).subspan(i * spec.vocab_size, spec.vocab_size));
  }
}

}  // namespace shenbi::eval
