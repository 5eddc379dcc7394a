// JD Cloud's model service: many makers' models behind one key ("pk-...").

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House jd() {
  House house = openai_like("JD Cloud", "京东云", "https://modelservice.jdcloud.com/v1", "JDCLOUD_API_KEY");
  house.key_page = "https://console.jdcloud.com/";
  house.models_path.clear();
  house.traits.logit_bias = false;
  return house;
}

}  // namespace shenbi::gateway::houses
