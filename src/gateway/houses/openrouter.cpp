// OpenRouter: hundreds of models of other houses; its usage tells the price of each call.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House openrouter() {
  House house = openai_like("OpenRouter", "OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY");
  house.key_page = "https://openrouter.ai/keys";
  house.completions_path = "/completions";
  house.traits.extended_sampling = true;
  house.traits.thinking = chat::AskingTraits::Thinking::kEffort;
  house.headers = {{"X-Title", "Shenbi"}};
  return house;
}

}  // namespace shenbi::gateway::houses
