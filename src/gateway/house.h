#pragma once
// A house: a company or a program that offers models through an API. What it is called, where it lives, how it wants to
// be asked and how a caller proves who he is. One file in gateway/houses/ each; the folder is the registry.
//
//   House deepseek() {
//     House house = openai_like("DeepSeek", "深度求索", "https://api.deepseek.com", "DEEPSEEK_API_KEY");
//     house.traits.max_tokens_field = "max_tokens";
//     return house;
//   }

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/asking.h"
#include "gateway/media_way.h"
#include "net/client.h"

namespace shenbi::gateway {

/// Who we are at a house.
struct Account {
  std::string key;                              ///< may be made of parts ("id:secret"); the house says so
  std::map<std::string, std::string> settings;  ///< what else the house asks for: "project", "app_id", ...
};

/// Puts the account's proof on a request that is otherwise complete. Pure: `now` is seconds since 1970.
using Authorise = std::function<void(net::ClientRequest&, const Account&, int64_t now)>;

/// "Authorization: Bearer KEY".
Authorise bearer();
/// `name: KEY`.
Authorise key_header(std::string name);

enum class Dialect { kOpenAi, kResponses, kAnthropic, kGemini };

/// Path below the base URL for a model, as a stream or not.
using PathOf = std::function<std::string(const std::string& model, bool stream)>;

struct House {
  std::string name;                   ///< the file's stem; set by the registry's reader
  std::string title, title_zh;        ///< for people
  std::string base_url;               ///< "": must be configured
  std::string key_variable;           ///< the environment variable that its own tools read; "": needs no key
  std::string key_page;               ///< where a person gets a key
  std::vector<std::string> settings;  ///< names that Account::settings must hold
  Dialect dialect = Dialect::kOpenAi;
  chat::AskingTraits traits;
  Authorise authorise = bearer();
  net::Headers headers;          ///< sent with every request
  PathOf chat_path;              ///< null: no chat
  std::string completions_path;  ///< "": none, and so on below
  std::string embeddings_path, models_path;
  MediaWays media;                  ///< pictures, sounds and films it makes (gateway/media_way.h)
  JobWays jobs;                     ///< those that take minutes
  std::vector<std::string> models;  ///< offered when the house's own list cannot be had
};

/// The shape that most houses have: OpenAI's chat and embeddings below `base_url`, a bearer key, "max_tokens".
House openai_like(std::string title, std::string title_zh, std::string base_url, std::string key_variable);

/// {file stem, function}. Generated from gateway/houses/*.cpp.
const std::vector<std::pair<std::string_view, House (*)()>>& house_registry();

/// The house of that name. Throws Error{kInvalidArgument} naming the houses there are.
House find_house(std::string_view name);

/// The dialect as this house wants to be asked in it.
chat::Asking asking_of(const House& house);

}  // namespace shenbi::gateway
