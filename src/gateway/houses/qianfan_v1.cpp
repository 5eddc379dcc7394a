// Baidu Qianfan v1: API key and secret are traded for an access token of thirty days, which stands in the address.

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "gateway/signers.h"
#include "net/http.h"

namespace shenbi::gateway::houses {
namespace {

// Names that people know and the last part of the address; the others are the same.
std::string slug_of(const std::string& model) {
  static const std::map<std::string, std::string, std::less<>> kSlugs = {
      {"ernie-4.0-8k", "completions_pro"}, {"ernie-3.5-8k", "completions"}, {"ernie-speed-8k", "ernie_speed"}};
  const auto known = kSlugs.find(model);
  return known == kSlugs.end() ? net::encode_path(model) : known->second;
}

net::ClientRequest ask_token(const std::string& base_url, const Account& account, const std::string&, int64_t) {
  const auto [id, secret] = halves_of(account.key, "API_KEY:SECRET_KEY");
  return {.url = fmt::format("{}/oauth/2.0/token?grant_type=client_credentials&client_id={}&client_secret={}",
                             origin_of(base_url), query_encoded(id), query_encoded(secret))};
}

// {"access_token": "24.…", "expires_in": 2592000} or {"error": "invalid_client", "error_description": "…"}
Token read_token(int status, std::string_view body, int64_t now) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) throw Error(Code::kUpstream, fmt::format("no token came (status {})", status));
  const auto text = [&](const char* key) {
    return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
  };
  if (const std::string error = text("error"); !error.empty()) {
    throw Error(status < 500 ? Code::kUnauthorized : Code::kUpstream,
                fmt::format("no token for this key: {} ({})", text("error_description"), error));
  }
  const bool dated = json.contains("expires_in") && json["expires_in"].is_number_unsigned();
  if (text("access_token").empty() || !dated)
    throw Error(Code::kUpstream, fmt::format("the answer holds no token (status {})", status));
  constexpr uint64_t kLongest = 366 * 86'400;
  return {text("access_token"), now + static_cast<int64_t>(std::min(json["expires_in"].get<uint64_t>(), kLongest))};
}

}  // namespace

House qianfan_v1() {
  House house = openai_like("Baidu Qianfan (v1)", "百度千帆（v1）",
                            "https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop", "QIANFAN_AK:QIANFAN_SK");
  house.key_page = "https://console.bce.baidu.com/qianfan/ais/console/applicationConsole/application";
  using Kind = AccountField::Kind;
  house.fields = {{"api_key", "API Key", "API Key", Kind::kKeyPart},
                  {"secret_key", "Secret Key", "Secret Key", Kind::kKeyPart}};
  house.dialect = Dialect::kErnie;
  house.token_door = TokenDoor{.request = ask_token, .read = read_token};
  house.authorise = [](net::ClientRequest& request, const Account& account, int64_t) {
    request.url += "?access_token=" + query_encoded(account.key);
  };
  house.chat_path = [](const std::string& model, bool) { return "/chat/" + slug_of(model); };
  house.models_path.clear();
  house.prices = "qianfan";
  house.models = {"ernie-4.0-8k", "ernie-3.5-8k", "ernie-speed-8k"};
  return house;
}

}  // namespace shenbi::gateway::houses
