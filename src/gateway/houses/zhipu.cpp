// Zhipu: GLM. Keys are "id.secret" and are sent as they are, as its own library does by default; with the setting
// auth=token they sign instead and are not sent.

#include "gateway/signers.h"

namespace shenbi::gateway::houses {

House zhipu() {
  House house = openai_like("Zhipu AI (GLM)", "智谱", "https://open.bigmodel.cn/api/paas/v4", "ZHIPUAI_API_KEY");
  house.key_page = "https://open.bigmodel.cn/usercenter/apikeys";
  house.authorise = [signs = zhipu_token(), sends = bearer()](net::ClientRequest& request, const Account& account,
                                                              int64_t now) {
    const auto auth = account.settings.find("auth");
    (auth != account.settings.end() && auth->second == "token" ? signs : sends)(request, account, now);
  };
  house.embeddings_path = "/embeddings";
  house.models_path.clear();
  house.traits.top_p_below = 1;
  house.traits.seed_field.clear();
  house.traits.json_schema = false;
  house.traits.thinking = chat::AskingTraits::Thinking::kThinkingType;
  house.traits.logprobs = false;
  house.traits.logit_bias = false;
  house.traits.penalties = false;
  house.models = {"glm-4.6", "glm-4.5", "glm-4.5-air", "glm-4-flash"};
  return house;
}

}  // namespace shenbi::gateway::houses
