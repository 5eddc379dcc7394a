// Poe: bots as models; those that draw or speak answer through chat.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House poe() {
  House house = openai_like("Poe", "Poe", "https://api.poe.com/v1", "POE_API_KEY");
  house.key_page = "https://poe.com/api_key";
  house.traits.logit_bias = false;
  house.traits.json_schema = false;
  return house;
}

}  // namespace shenbi::gateway::houses
