// Baidu Qianfan v2: ERNIE and others behind one bearer key.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House qianfan() {
  House house = openai_like("Baidu Qianfan (ERNIE)", "百度千帆", "https://qianfan.baidubce.com/v2", "QIANFAN_API_KEY");
  house.key_page = "https://console.bce.baidu.com/iam/#/iam/apikey/list";
  house.embeddings_path = "/embeddings";
  house.rerank = flat_rerank("/rerank");
  house.traits.logit_bias = false;
  house.models = {"ernie-4.5-turbo-128k", "ernie-x1-turbo-32k", "ernie-speed-128k"};
  speaks_openai_media(house, {MediaKind::kImage, MediaKind::kImageEdit});
  return house;
}

}  // namespace shenbi::gateway::houses
