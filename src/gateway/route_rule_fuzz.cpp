// Any bytes as the name of a model that is a rule, asked of a few models: an Error or an order of some of them.

#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "gateway/route_rule.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace shenbi::gateway;
  const std::string name = "auto:" + std::string(reinterpret_cast<const char*>(data), size);
  try {
    const RouteRule rule = read_rule(name);
    std::vector<Candidate> candidates(3);
    candidates[0].model = {.id = "openai/gpt-4.1", .name = "GPT-4.1", .maker = "OpenAI", .input = {"text", "image"}};
    candidates[0].model.context = 1'000'000;
    candidates[1].model.id = "local/gemma3";
    candidates[2].first_token_s = 0.2;
    if (chosen(rule, candidates).size() > candidates.size()) std::abort();
  } catch (const shenbi::Error&) {
  }
  return 0;
}
