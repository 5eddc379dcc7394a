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
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/asking.h"
#include "gateway/media_way.h"
#include "gateway/rerank.h"
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

/// A house where a key does not prove anything itself but is traded for a token that lasts a while.
struct Token {
  std::string text;
  int64_t ends = 0;  ///< seconds since 1970
};
struct TokenDoor {
  /// Whether this account's key is one to trade; null: always.
  std::function<bool(const Account&)> trades;
  /// The question, complete and with its proof. `base_url`: of the upstream.
  std::function<net::ClientRequest(const std::string& base_url, const Account&, const std::string& model, int64_t now)>
      request;
  /// What came. Throws Error{kUnauthorized} if the key was refused, Error{kUpstream} for anything else that is no
  /// token.
  std::function<Token(int status, std::string_view body, int64_t now)> read;
  bool per_model = false;  ///< a token is good for one model
  bool signs = false;      ///< the question's proof holds the time
};

/// What a person says about an account besides its name: one list for the command line, the HTTP route and the page.
struct AccountField {
  enum class Kind {
    kKeyPart,  ///< a key is made of these, in this order, with ':' between them
    kSetting   ///< Account::settings[name]
  };
  std::string name, title, title_zh;
  Kind kind = Kind::kSetting;
  bool required = true;
};

enum class Dialect { kOpenAi, kResponses, kAnthropic, kGemini, kHunyuan, kErnie, kSpark };

/// Path below the base URL for a model, as a stream or not.
using PathOf = std::function<std::string(const std::string& model, bool stream)>;

struct House {
  std::string name;             ///< the file's stem; set by the registry's reader
  std::string title, title_zh;  ///< for people
  std::string base_url;         ///< "": must be configured; ws or wss: each call is a WebSocket
  std::string former_base_url;  ///< accounts that still name this one are asked at base_url; "": there was none
  std::string key_variable;     ///< what its own tools read, "ID_VARIABLE:SECRET_VARIABLE" for two; "": needs no key
  std::string key_page;         ///< where a person gets a key
  std::vector<AccountField> fields;  ///< empty: a key in one piece and nothing else
  Dialect dialect = Dialect::kOpenAi;
  chat::AskingTraits traits;
  Authorise authorise = bearer();
  bool signs = false;                   ///< the proof holds the time: a wrong clock is refused
  std::optional<TokenDoor> token_door;  ///< then authorise() is given the token as the key
  net::Headers headers;                 ///< sent with every request
  PathOf chat_path;                     ///< null: no chat
  /// Where the house tells how long a prompt is, asked in its dialect; null: it does not.
  std::function<std::string(const std::string& model)> count_path;
  std::string completions_path;  ///< "": none, and so on below
  std::string embeddings_path, models_path;
  MediaWays media;                  ///< pictures, sounds and films it makes (gateway/media_way.h)
  JobWays jobs;                     ///< those that take minutes
  RerankWay rerank;                 ///< of documents by a query
  std::vector<std::string> models;  ///< offered when the house's own list cannot be had
  std::string prices;               ///< the house whose prices these are, if it is another face of one; "": its own
};

/// The shape that most houses have: OpenAI's chat and embeddings below `base_url`, a bearer key, "max_tokens".
House openai_like(std::string title, std::string title_zh, std::string base_url, std::string key_variable);

/// {file stem, function}. Generated from gateway/houses/*.cpp.
const std::vector<std::pair<std::string_view, House (*)()>>& house_registry();

/// The house of that name. Throws Error{kInvalidArgument} naming the houses there are.
House find_house(std::string_view name);

/// Where an account with this address ("": none) is asked, without slashes at the end.
std::string base_url_of(const House& house, std::string configured);

/// The dialect as this house wants to be asked in it, by an account with these settings.
chat::Asking asking_of(const House& house, const std::map<std::string, std::string>& settings = {});

}  // namespace shenbi::gateway
