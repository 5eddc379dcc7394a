// vLLM's server, and SGLang's in front of the same fields.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House vllm() {
  House house = openai_like("vLLM", "vLLM", "", "");
  house.completions_path = "/completions";
  house.embeddings_path = "/embeddings";
  house.rerank = flat_rerank("/rerank", {"truncate_prompt_tokens"});
  house.traits.extended_sampling = house.traits.top_k = true;
  house.traits.guided = true;
  house.traits.continue_field = "continue_final_message";
  house.traits.thinking = chat::AskingTraits::Thinking::kTemplate;
  speaks_openai_media(house);
  return house;
}

}  // namespace shenbi::gateway::houses
