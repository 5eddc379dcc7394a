// 360 AI.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House ai360() {
  House house = openai_like("360 AI", "360 智脑", "https://api.360.cn/v1", "AI360_API_KEY");
  house.key_page = "https://ai.360.com/platform/keys";
  house.embeddings_path = "/embeddings";
  house.traits.top_k = true;
  house.traits.json_schema = false;
  house.traits.logprobs = false;
  house.traits.logit_bias = false;
  house.models = {"360gpt2-pro", "360gpt-turbo"};
  return house;
}

}  // namespace shenbi::gateway::houses
