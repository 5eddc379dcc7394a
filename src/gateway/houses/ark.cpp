// ByteDance's Volcano Ark: Doubao. A model may also be the id of an endpoint, "ep-...".

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House ark() {
  House house = openai_like("ByteDance Ark (Doubao)", "火山方舟（豆包）", "https://ark.cn-beijing.volces.com/api/v3",
                            "ARK_API_KEY");
  house.key_page = "https://console.volcengine.com/ark/region:ark+cn-beijing/apiKey";
  house.embeddings_path = "/embeddings";
  house.traits.thinking = chat::AskingTraits::Thinking::kThinkingType;
  house.traits.seed_field.clear();
  house.models = {"doubao-seed-1-6-250615", "doubao-1-5-pro-32k-250115"};
  speaks_openai_media(house, {MediaKind::kImage});
  return house;
}

}  // namespace shenbi::gateway::houses
