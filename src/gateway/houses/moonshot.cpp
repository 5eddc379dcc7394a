// Moonshot: Kimi. The usage of a stream may lie inside the last choice.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House moonshot() {
  House house = openai_like("Moonshot AI (Kimi)", "月之暗面", "https://api.moonshot.cn/v1", "MOONSHOT_API_KEY");
  house.key_page = "https://platform.moonshot.cn/console/api-keys";
  house.traits.thinking = chat::AskingTraits::Thinking::kThinkingType;
  house.traits.logit_bias = false;
  house.models = {"kimi-k2-0905-preview", "moonshot-v1-8k", "moonshot-v1-32k", "moonshot-v1-128k"};
  return house;
}

}  // namespace shenbi::gateway::houses
