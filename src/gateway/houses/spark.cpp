// iFlytek Spark over HTTP; the key is the console's APIPassword. Every model has a password of its own.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House spark() {
  House house = openai_like("iFlytek Spark", "讯飞星火", "https://spark-api-open.xf-yun.com/v1", "SPARK_API_PASSWORD");
  house.key_page = "https://console.xfyun.cn/services/bm4";
  house.models_path.clear();
  house.traits.json_schema = false;
  house.traits.strict_tools = false;
  house.traits.logprobs = false;
  house.traits.logit_bias = false;
  house.traits.seed_field.clear();
  house.traits.top_k = true;
  house.traits.images = false;
  house.models = {"lite", "generalv3", "pro-128k", "generalv3.5", "max-32k", "4.0Ultra"};
  return house;
}

}  // namespace shenbi::gateway::houses
