// Azure OpenAI: OpenAI's models in a resource of one's own. A model's name is that of its deployment; the base URL is
// https://RESOURCE.openai.azure.com/openai/v1.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House azure() {
  House house = openai_like("Azure OpenAI", "Azure OpenAI", "", "AZURE_OPENAI_API_KEY");
  house.key_page = "https://portal.azure.com";
  house.authorise = key_header("api-key");
  house.completions_path = "/completions";
  house.embeddings_path = "/embeddings";
  house.traits.max_tokens_field = "max_completion_tokens";
  house.traits.developer_role = true;
  house.traits.thinking = chat::AskingTraits::Thinking::kEffort;
  return house;
}

}  // namespace shenbi::gateway::houses
