// DeepSeek: chat with reasoning_content; usage counts prompt_cache_hit_tokens.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House deepseek() {
  House house = openai_like("DeepSeek", "深度求索", "https://api.deepseek.com", "DEEPSEEK_API_KEY");
  house.key_page = "https://platform.deepseek.com/api_keys";
  house.completions_path = "/beta/completions";  // fill in the middle lives under /beta
  house.traits.thinking = chat::AskingTraits::Thinking::kThinkingType;
  house.traits.json_schema = false;   // json_object only
  house.traits.strict_tools = false;  // only below /beta
  house.traits.logit_bias = false;
  house.traits.images = false;
  house.models = {"deepseek-chat", "deepseek-reasoner"};
  return house;
}

}  // namespace shenbi::gateway::houses
