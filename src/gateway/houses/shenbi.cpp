// Another Shenbi: everything that this one takes.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House shenbi() {
  House house = openai_like("Shenbi", "神笔", "", "");
  house.completions_path = "/completions";
  house.embeddings_path = "/embeddings";
  house.rerank = flat_rerank("/rerank", {"return_documents", "instruction", "max_tokens_per_doc", "max_chunks_per_doc",
                                         "overlap_tokens", "truncate_prompt_tokens"});
  house.traits.extended_sampling = house.traits.top_k = true;
  house.traits.llama_sampling = house.traits.guided = true;
  house.traits.thinking = chat::AskingTraits::Thinking::kEffort;
  speaks_openai_media(house);
  return house;
}

}  // namespace shenbi::gateway::houses
