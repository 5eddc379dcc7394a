// Huawei PanGu: OpenAI's body below an address of one's own project, https://ENDPOINT/v1/PROJECT_ID. A model is the id
// of a deployment. The key is an IAM token, which Huawei gives for a day.

#include "gateway/house.h"
#include "net/http.h"

namespace shenbi::gateway::houses {

House pangu() {
  House house = openai_like("Huawei PanGu", "华为盘古", "", "PANGU_AUTH_TOKEN");
  house.key_page = "https://support.huaweicloud.com/pangulm/index.html";
  house.authorise = key_header("X-Auth-Token");
  house.chat_path = [](const std::string& model, bool) {
    return "/deployments/" + net::encode_path(model) + "/chat/completions";
  };
  house.models_path.clear();
  house.traits.json_schema = false;
  house.traits.strict_tools = false;
  house.traits.logprobs = false;
  house.traits.logit_bias = false;
  house.traits.seed_field.clear();
  house.traits.images = false;
  return house;
}

}  // namespace shenbi::gateway::houses
