// Any address that speaks the dialect of OpenAI: llama.cpp, Ollama, Xinference, LM Studio, LocalAI, SGLang. vLLM and
// another Shenbi, which take more, have houses of their own. A key is sent if there is one.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House compatible() {
  House house = openai_like("OpenAI-compatible server", "兼容 OpenAI 的服务", "", "");
  house.completions_path = "/completions";
  house.embeddings_path = "/embeddings";
  // Jina, SiliconFlow, Xinference, LocalAI, SGLang: each knows some of these fields and leaves the others alone.
  house.rerank = flat_rerank("/rerank", {"return_documents", "instruction", "max_chunks_per_doc", "overlap_tokens"});
  house.traits.extended_sampling = true;
  house.traits.top_k = true;
  house.traits.thinking = chat::AskingTraits::Thinking::kTemplate;
  speaks_openai_media(house);
  return house;
}

}  // namespace shenbi::gateway::houses
