// MiniMax: near to OpenAI's form; an error comes as status 200 with base_resp.status_code.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House minimax() {
  House house = openai_like("MiniMax", "MiniMax", "https://api.minimaxi.com/v1", "MINIMAX_API_KEY");
  house.key_page = "https://platform.minimaxi.com/user-center/basic-information/interface-key";
  house.models_path.clear();
  house.chat_path = [](const std::string&, bool) { return "/text/chatcompletion_v2"; };
  house.traits.logit_bias = false;
  house.traits.logprobs = false;
  house.traits.seed_field.clear();
  house.traits.penalties = false;
  house.models = {"MiniMax-M2", "MiniMax-Text-01"};
  return house;
}

}  // namespace shenbi::gateway::houses
