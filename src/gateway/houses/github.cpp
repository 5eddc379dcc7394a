// GitHub Models: a personal token with the scope models:read is the key.

#include "gateway/house.h"

namespace shenbi::gateway::houses {

House github() {
  House house = openai_like("GitHub Models", "GitHub Models", "https://models.github.ai/inference", "GITHUB_TOKEN");
  house.key_page = "https://github.com/settings/tokens";
  house.embeddings_path = "/embeddings";
  house.models_path.clear();
  house.headers = {{"X-GitHub-Api-Version", "2022-11-28"}};
  house.models = {"openai/gpt-4.1", "openai/gpt-4o-mini"};
  return house;
}

}  // namespace shenbi::gateway::houses
