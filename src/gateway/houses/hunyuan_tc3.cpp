// Tencent Hunyuan's own API: the key signs each request (TC3-HMAC-SHA256) and is not sent.

#include "gateway/signers.h"

namespace shenbi::gateway::houses {

House hunyuan_tc3() {
  House house = openai_like("Tencent Hunyuan (TC3)", "腾讯混元（TC3 签名）", "https://hunyuan.tencentcloudapi.com",
                            "TENCENTCLOUD_SECRET_ID:TENCENTCLOUD_SECRET_KEY");
  house.key_page = "https://console.cloud.tencent.com/cam/capi";
  using Kind = AccountField::Kind;
  house.fields = {{"secret_id", "SecretId", "SecretId", Kind::kKeyPart},
                  {"secret_key", "SecretKey", "SecretKey", Kind::kKeyPart},
                  {"region", "Region", "地域", Kind::kSetting, false}};
  house.dialect = Dialect::kHunyuan;
  house.signs = true;
  house.authorise = tc3_signature("hunyuan");
  house.headers = {{"X-TC-Action", "ChatCompletions"}, {"X-TC-Version", "2023-09-01"}};
  house.chat_path = [](const std::string&, bool) { return "/"; };
  house.models_path.clear();
  house.prices = "hunyuan";
  house.traits.logprobs = false;
  house.traits.logit_bias = false;
  house.traits.penalties = false;
  house.traits.thinking = chat::AskingTraits::Thinking::kEnableThinking;
  house.models = {"hunyuan-turbos-latest", "hunyuan-t1-latest", "hunyuan-lite"};
  return house;
}

}  // namespace shenbi::gateway::houses
