// Mistral: unknown fields are an error of status 422, so only what it lists is sent.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House mistral() {
  House house = openai_like("Mistral AI", "Mistral AI", "https://api.mistral.ai/v1", "MISTRAL_API_KEY");
  house.key_page = "https://console.mistral.ai/api-keys";
  house.embeddings_path = "/embeddings";
  house.traits.seed_field = "random_seed";
  house.traits.stream_usage = false;  // sends it unasked, and answers 422 to fields it does not know
  house.traits.logprobs = false;
  house.traits.logit_bias = false;
  house.models = {"mistral-large-latest", "mistral-small-latest", "codestral-latest"};
  speaks_openai_media(house, {MediaKind::kTranscription});
  return house;
}

}  // namespace shenbi::gateway::houses
