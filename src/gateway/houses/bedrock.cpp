// Amazon Bedrock's OpenAI face, at https://bedrock-runtime.REGION.amazonaws.com/openai/v1. A key of two halves,
// ACCESS_KEY_ID:SECRET_ACCESS_KEY, signs each request; Bedrock's own API keys, which have no colon, are sent.

#include "gateway/signers.h"

namespace shenbi::gateway::houses {

House bedrock() {
  House house = openai_like("Amazon Bedrock", "亚马逊 Bedrock", "", "AWS_BEARER_TOKEN_BEDROCK");
  house.key_page = "https://console.aws.amazon.com/bedrock/home#/api-keys";
  house.fields = {{.name = "region", .title = "Region", .title_zh = "区域"}};
  house.signs = true;
  house.models_path.clear();
  house.authorise = [signs = aws_signature("bedrock"), sends = bearer()](net::ClientRequest& request,
                                                                         const Account& account, int64_t now) {
    const bool halves = account.key.find(':') != std::string::npos;
    (halves ? signs : sends)(request, account, now);
  };
  house.traits.logprobs = false;
  house.models = {"openai.gpt-oss-120b-1:0", "openai.gpt-oss-20b-1:0"};
  return house;
}

}  // namespace shenbi::gateway::houses
