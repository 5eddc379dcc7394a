// Perplexity: answers grounded in the web.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House perplexity() {
  House house = openai_like("Perplexity", "Perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY");
  house.key_page = "https://www.perplexity.ai/settings/api";
  house.models_path.clear();
  house.traits.stream_usage = false;
  house.traits.logprobs = false;
  house.traits.logit_bias = false;
  house.traits.seed_field.clear();
  house.traits.stop = false;
  house.traits.top_k = true;
  house.models = {"sonar", "sonar-pro", "sonar-reasoning-pro"};
  return house;
}

}  // namespace shenbi::gateway::houses
