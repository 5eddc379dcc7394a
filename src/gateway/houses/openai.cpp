// OpenAI itself: every field of the dialect is its own.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House openai() {
  House house = openai_like("OpenAI", "OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY");
  house.key_page = "https://platform.openai.com/api-keys";
  house.completions_path = "/completions";
  house.embeddings_path = "/embeddings";
  house.traits.max_tokens_field = "max_completion_tokens";
  house.traits.developer_role = true;
  house.traits.thinking = chat::AskingTraits::Thinking::kEffort;
  house.models = {"gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "o3", "o4-mini"};
  speaks_openai_media(house);
  return house;
}

}  // namespace shenbi::gateway::houses
