// Alibaba Cloud Model Studio, compatible mode. Qwen models refuse enable_thinking = true outside a stream.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House dashscope() {
  House house = openai_like("Alibaba Cloud (Qwen)", "阿里云百炼", "https://dashscope.aliyuncs.com/compatible-mode/v1",
                            "DASHSCOPE_API_KEY");
  house.key_page = "https://bailian.console.aliyun.com/?tab=model#/api-key";
  house.embeddings_path = "/embeddings";
  house.completions_path = "/completions";
  house.traits.top_k = true;
  house.traits.top_p_below = 1;
  house.traits.thinking = chat::AskingTraits::Thinking::kEnableThinking;
  house.models = {"qwen-max", "qwen-plus", "qwen-turbo", "qwen3-max"};
  return house;
}

}  // namespace shenbi::gateway::houses
