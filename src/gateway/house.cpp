#include "gateway/house.h"

#include <fmt/format.h>

#include "base/error.h"

namespace shenbi::gateway {

Authorise bearer() {
  return [](net::ClientRequest& request, const Account& account, int64_t) {
    if (!account.key.empty()) request.headers.emplace_back("Authorization", "Bearer " + account.key);
  };
}

Authorise key_header(std::string name) {
  return [name = std::move(name)](net::ClientRequest& request, const Account& account, int64_t) {
    if (!account.key.empty()) request.headers.emplace_back(name, account.key);
  };
}

House openai_like(std::string title, std::string title_zh, std::string base_url, std::string key_variable) {
  House house;
  house.title = std::move(title);
  house.title_zh = std::move(title_zh);
  house.base_url = std::move(base_url);
  house.key_variable = std::move(key_variable);
  house.traits.house = house.title;
  house.traits.max_tokens_field = "max_tokens";
  house.traits.developer_role = false;
  house.traits.thinking = chat::AskingTraits::Thinking::kNone;
  house.chat_path = [](const std::string&, bool) { return "/chat/completions"; };
  house.models_path = "/models";
  return house;
}

House find_house(std::string_view name) {
  std::string known;
  for (const auto& [stem, make] : house_registry()) {
    if (stem == name) {
      House house = make();
      house.name = stem;
      return house;
    }
    known += (known.empty() ? "" : ", ") + std::string(stem);
  }
  throw Error(Code::kInvalidArgument, fmt::format("house: there is no '{}'; there are: {}", name, known));
}

std::string base_url_of(const House& house, std::string configured) {
  while (configured.ends_with('/')) configured.pop_back();
  return configured.empty() || configured == house.former_base_url ? house.base_url : configured;
}

chat::Asking asking_of(const House& house, const std::map<std::string, std::string>& settings) {
  switch (house.dialect) {
    case Dialect::kOpenAi:
      return chat::openai_asking(house.traits);
    case Dialect::kResponses:
      return chat::responses_asking(house.traits);
    case Dialect::kAnthropic:
      return chat::anthropic_asking();
    case Dialect::kGemini:
      return chat::gemini_asking();
    case Dialect::kHunyuan:
      return chat::hunyuan_asking(house.traits);
    case Dialect::kErnie:
      return chat::ernie_asking(house.title);
    case Dialect::kSpark: {
      const auto app_id = settings.find("app_id");
      return chat::spark_asking(app_id == settings.end() ? "" : app_id->second, house.title);
    }
  }
  throw Error(Code::kInternal, "a house without a dialect");
}

}  // namespace shenbi::gateway
