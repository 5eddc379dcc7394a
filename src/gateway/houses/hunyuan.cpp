// Tencent Hunyuan's OpenAI face.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House hunyuan() {
  House house =
      openai_like("Tencent Hunyuan", "腾讯混元", "https://api.hunyuan.cloud.tencent.com/v1", "HUNYUAN_API_KEY");
  house.key_page = "https://console.cloud.tencent.com/hunyuan/api-key";
  house.embeddings_path = "/embeddings";
  house.traits.json_schema = false;
  house.traits.logprobs = false;
  house.traits.logit_bias = false;
  house.models = {"hunyuan-turbos-latest", "hunyuan-t1-latest", "hunyuan-lite"};
  return house;
}

}  // namespace shenbi::gateway::houses
