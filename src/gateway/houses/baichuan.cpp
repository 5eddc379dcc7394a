// Baichuan.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House baichuan() {
  House house = openai_like("Baichuan", "百川智能", "https://api.baichuan-ai.com/v1", "BAICHUAN_API_KEY");
  house.key_page = "https://platform.baichuan-ai.com/console/apikey";
  house.embeddings_path = "/embeddings";
  house.models_path.clear();
  house.traits.top_k = true;
  house.traits.json_schema = false;
  house.traits.logprobs = false;
  house.traits.logit_bias = false;
  house.traits.penalties = false;
  house.traits.seed_field.clear();
  house.traits.images = false;
  house.models = {"Baichuan4-Turbo", "Baichuan4-Air", "Baichuan3-Turbo"};
  return house;
}

}  // namespace shenbi::gateway::houses
