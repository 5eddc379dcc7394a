// xAI: Grok.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House xai() {
  House house = openai_like("xAI (Grok)", "xAI", "https://api.x.ai/v1", "XAI_API_KEY");
  house.key_page = "https://console.x.ai";
  house.traits.max_tokens_field = "max_completion_tokens";
  house.traits.thinking = chat::AskingTraits::Thinking::kEffort;
  house.traits.logit_bias = false;
  house.models = {"grok-4", "grok-3", "grok-3-mini"};
  speaks_openai_media(house, {MediaKind::kImage});
  return house;
}

}  // namespace shenbi::gateway::houses
