// Anthropic: the Messages API.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House anthropic() {
  House house;
  house.title = house.title_zh = "Anthropic (Claude)";
  house.base_url = "https://api.anthropic.com/v1";
  house.key_variable = "ANTHROPIC_API_KEY";
  house.key_page = "https://console.anthropic.com/settings/keys";
  house.dialect = Dialect::kAnthropic;
  house.authorise = key_header("x-api-key");
  house.headers = {{"anthropic-version", "2023-06-01"}};
  house.chat_path = [](const std::string&, bool) { return "/messages"; };
  house.count_path = [](const std::string&) { return "/messages/count_tokens"; };
  house.models_path = "/models";
  house.models = {"claude-opus-4-1", "claude-sonnet-4-5", "claude-haiku-4-5", "claude-3-7-sonnet-latest",
                  "claude-3-5-haiku-latest"};
  return house;
}

}  // namespace shenbi::gateway::houses
