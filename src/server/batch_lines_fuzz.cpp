// Any bytes as the input of a batch. Held: lines lie in order inside the input; where nothing is wrong every line has
// an id of its own and a body that is JSON; and an answer to it is one line that holds both again.

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/error.h"
#include "base/limits.h"
#include "chat/types.h"
#include "server/batch_lines.h"

namespace {

void require(bool held) {
  if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace shenbi::server;
  using shenbi::chat::OrderedJson;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view kEndpoint = "/v1/embeddings";
  const BatchInput checked = check_batch_input(input, kEndpoint);
  require(checked.problems.size() <= shenbi::limits::kMaxBatchErrors);
  uint64_t end = 0;
  uint32_t number = 0;
  std::set<std::string> ids;
  for (const BatchLine& line : checked.lines) {
    require(line.number > number && line.offset >= end && line.offset + line.bytes <= size);
    number = line.number;
    end = line.offset + line.bytes;
    if (!checked.problems.empty()) continue;
    const BatchRequest request = parse_batch_line(input.substr(line.offset, line.bytes), kEndpoint);
    require(ids.insert(request.custom_id).second);
    const OrderedJson body = OrderedJson::parse(request.body);
    const std::string answer = answered_line(request.custom_id, 200, "r", request.body);
    require(std::count(answer.begin(), answer.end(), '\n') == 1);
    const OrderedJson again = OrderedJson::parse(answer);
    require(again["custom_id"] == request.custom_id && again["response"]["body"] == body);
  }
  for (const BatchProblem& problem : checked.problems) require(!problem.code.empty() && !problem.message.empty());
  return 0;
}
