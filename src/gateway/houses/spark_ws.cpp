// iFlytek Spark over its WebSocket: every model has an address of its own, and the address is signed.

#include <map>

#include "gateway/signers.h"
#include "net/http.h"

namespace shenbi::gateway::houses {
namespace {

std::string path_of(const std::string& model) {
  static const std::map<std::string, std::string, std::less<>> kPaths = {
      {"lite", "/v1.1/chat"},        {"generalv3", "/v3.1/chat"},  {"pro-128k", "/chat/pro-128k"},
      {"generalv3.5", "/v3.5/chat"}, {"max-32k", "/chat/max-32k"}, {"4.0Ultra", "/v4.0/chat"}};
  const auto known = kPaths.find(model);
  return known == kPaths.end() ? "/chat/" + net::encode_path(model) : known->second;
}

}  // namespace

House spark_ws() {
  House house = openai_like("iFlytek Spark (WebSocket)", "讯飞星火（WebSocket）", "wss://spark-api.xf-yun.com",
                            "IFLYTEK_SPARK_API_KEY:IFLYTEK_SPARK_API_SECRET");
  house.key_page = "https://console.xfyun.cn/services/bm4";
  using Kind = AccountField::Kind;
  house.fields = {{"app_id", "APPID", "APPID", Kind::kSetting},
                  {"api_key", "APIKey", "APIKey", Kind::kKeyPart},
                  {"api_secret", "APISecret", "APISecret", Kind::kKeyPart}};
  house.dialect = Dialect::kSpark;
  house.signs = true;
  house.authorise = iflytek_address();
  house.chat_path = [](const std::string& model, bool) { return path_of(model); };
  house.models_path.clear();
  house.prices = "spark";
  house.models = {"lite", "generalv3", "pro-128k", "generalv3.5", "max-32k", "4.0Ultra"};
  return house;
}

}  // namespace shenbi::gateway::houses
