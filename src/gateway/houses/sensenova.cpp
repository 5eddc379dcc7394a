// SenseNova, compatible mode: refuses any field it does not list.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House sensenova() {
  House house =
      openai_like("SenseNova", "商汤日日新", "https://api.sensenova.cn/compatible-mode/v2", "SENSENOVA_API_KEY");
  house.key_page = "https://console.sensecore.cn/aistudio/management/api-key";
  house.models_path.clear();
  house.traits.json_schema = false;
  house.traits.strict_tools = false;
  house.traits.stream_usage = false;
  house.traits.logprobs = false;
  house.traits.logit_bias = false;
  house.traits.seed_field.clear();
  house.models = {"SenseNova-V6-Pro", "SenseChat-5"};
  return house;
}

}  // namespace shenbi::gateway::houses
