// Cohere: chat and embeddings at its address for OpenAI's dialect, rerank at its own, below the same host. It tells
// what a ranking costs in searches, not in tokens.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House cohere() {
  House house = openai_like("Cohere", "Cohere", "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY");
  house.key_page = "https://dashboard.cohere.com/api-keys";
  house.embeddings_path = "/embeddings";
  house.rerank = flat_rerank("//v2/rerank", {"max_tokens_per_doc"});
  house.models_path.clear();
  house.traits.logit_bias = false;
  house.models = {"command-a-03-2025", "embed-v4.0", "rerank-v3.5"};
  return house;
}

}  // namespace shenbi::gateway::houses
