// ByteDance's Volcano Ark: Doubao. A model may also be the id of an endpoint, "ep-...". A key of two halves,
// ACCESS_KEY:SECRET_KEY, signs for a temporary key of one endpoint, as Ark's own library does it; keys of Ark itself
// have no colon and are sent.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "gateway/signers.h"

namespace shenbi::gateway::houses {
namespace {

constexpr std::string_view kOwn = "https://ark.cn-beijing.volces.com/api/v3";
constexpr int64_t kLife = 7 * 86'400;  // s; what Ark's own library asks for

net::ClientRequest ask_key(const std::string& base_url, const Account& account, const std::string& model, int64_t now) {
  if (!model.starts_with("ep-"))
    throw Error(Code::kInvalidArgument,
                fmt::format("model: '{}' is no endpoint; with an access key only those (ep-...) can be asked", model));
  const std::string host = base_url == kOwn ? "https://open.volcengineapi.com" : origin_of(base_url);
  net::ClientRequest request{
      .url = host + "/?Action=GetApiKey&Version=2024-01-01",
      .headers = {{"Content-Type", "application/json"}},
      .body =
          nlohmann::json{{"DurationSeconds", kLife}, {"ResourceType", "endpoint"}, {"ResourceIds", {model}}}.dump()};
  volc_signature("ark", "cn-beijing")(request, account, now);
  return request;
}

// {"ResponseMetadata": {...}, "Result": {"ApiKey": "...", "ExpiredTime": 1763942400}}; a failure has
// ResponseMetadata.Error {"Code", "Message"}.
Token read_key(int status, std::string_view body, int64_t) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  try {
    if (const auto& meta = json.at("ResponseMetadata"); meta.contains("Error")) {
      const auto& error = meta["Error"];
      throw Error(
          status < 500 ? Code::kUnauthorized : Code::kUpstream,
          fmt::format("no key for this endpoint: {} ({})", error.value("Message", ""), error.value("Code", "")));
    }
    return {json.at("Result").at("ApiKey"), json["Result"].at("ExpiredTime")};
  } catch (const nlohmann::json::exception&) {
    throw Error(Code::kUpstream, fmt::format("the answer holds no key (status {})", status));
  }
}

}  // namespace

House ark() {
  House house = openai_like("ByteDance Ark (Doubao)", "火山方舟（豆包）", std::string(kOwn), "ARK_API_KEY");
  house.key_page = "https://console.volcengine.com/ark/region:ark+cn-beijing/apiKey";
  house.token_door =
      TokenDoor{.trades = [](const Account& account) { return account.key.find(':') != std::string::npos; },
                .request = ask_key,
                .read = read_key,
                .per_model = true,
                .signs = true};
  house.embeddings_path = "/embeddings";
  house.traits.thinking = chat::AskingTraits::Thinking::kThinkingType;
  house.traits.seed_field.clear();
  house.models = {"doubao-seed-1-6-250615", "doubao-1-5-pro-32k-250115"};
  speaks_openai_media(house, {MediaKind::kImage});
  return house;
}

}  // namespace shenbi::gateway::houses
