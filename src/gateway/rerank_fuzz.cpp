// Any bytes as what a house answers to a question for an order: an Error, or every document at most once, best first.

#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "gateway/house.h"

namespace {

using namespace shenbi::gateway;

void as_answer(const RerankWay& way, const RerankRequest& request, std::string_view bytes) {
  try {
    const Ranking ranking = read_ranking(way, request, bytes);
    if (ranking.results.size() != request.wanted()) std::abort();
    std::vector<bool> seen(request.documents.size());
    double before = HUGE_VAL;
    for (const Ranked& one : ranking.results) {
      if (one.index >= seen.size() || seen[one.index] || !(one.score <= before)) std::abort();
      seen[one.index] = true;
      before = one.score;
    }
  } catch (const shenbi::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const House flat = find_house("compatible"), native = find_house("dashscope");
  if (size == 0) return 0;
  const RerankRequest request{
      .model = "m", .query = "q", .documents = {"a", "b", "c"}, .top_n = static_cast<uint32_t>(data[0] % 4)};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  as_answer(flat.rerank, request, bytes);
  as_answer(native.rerank, request, bytes);
  return 0;
}
