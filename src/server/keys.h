#pragma once
// API keys: "sk-shenbi-<public prefix>-<secret>". The table holds the prefix and a SHA-256 of the whole key; 192 random
// bits need no slow hash. Looked up by prefix, compared in constant time.
//
//   NewKey made = keys.create({.name = "ci", .scopes = {Scope::kInfer}, .models = {"gemma3:270m"}});   // made.key is
//   shown once Keys::Decision d = keys.check(bearer, Scope::kInfer);
//
// Where several programs share the database every check asks it whether a key has changed, and rates and tokens are
// counted there: what one program has revoked no other lets in from then on.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/router.h"
#include "store/database.h"
#include "store/version.h"

namespace shenbi::server {

std::string_view scope_name(Scope scope) noexcept;
/// Throws Error{kInvalidArgument} naming the scopes there are.
Scope scope_of(std::string_view name);

struct Key {
  std::string id;  ///< the public prefix
  std::string name;
  std::set<Scope> scopes;            ///< empty: all
  std::set<std::string> models;      ///< empty: all
  uint64_t requests_per_minute = 0;  ///< 0: no limit
  uint64_t tokens_per_day = 0;       ///< 0: no limit; prompt and answer together
  double created = 0, expires = 0;   ///< seconds since 1970; expires 0: never
  bool revoked = false;
  std::string team;  ///< whose budgets count besides its own; "": none
};

class Keys {
 public:
  /// `fixed`: keys given at the start of the server, not stored.
  Keys(store::Database& database, const std::vector<std::string>& fixed);

  /// Whether anybody needs a key at all, as far as this program knows.
  bool required() const;

  struct NewKey {
    Key key;
    std::string text;  ///< the key itself: nobody can show it again
  };
  NewKey create(Key wanted);
  std::vector<Key> list() const;
  /// False if there is no such key. Takes effect at once.
  bool revoke(const std::string& id);
  /// The same; "" takes it out of its team.
  bool set_team(const std::string& id, const std::string& team);
  /// "" for a key without one, and for whoever has no key.
  std::string team_of(const std::string& id) const;

  struct Decision {
    std::optional<Caller> caller;
    Code code = Code::kUnauthorized;  ///< without a caller: why
    bool forbidden = false;           ///< the key is good but may not do this: 403
    bool unknown = false;             ///< no such key: of use to check_known()
    std::string message;
  };
  /// Also counts the request against the key's rate.
  Decision check(std::string_view key, Scope scope);
  /// By what this program knows, without asking the database and without counting.
  Decision check_known(std::string_view key, Scope scope) const;
  /// The same for a caller who was let in before: the key as it is now.
  Decision check_again(const std::string& caller_id, Scope scope);
  /// Whose key it is, without any check; the one local user where no keys are needed or none is given.
  Caller identify(std::string_view key) const;
  /// Throws Error{kNotFound} if the caller's key does not include the model: it reads as if there were none.
  void check_model(const Caller& caller, const std::string& model) const;
  /// Whether the caller's key includes the model: what a list may show.
  bool sees_model(const Caller& caller, const std::string& model) const;
  /// Throws Error{kRateLimited} if the day's tokens are used up.
  void check_quota(const Caller& caller) const;
  void count_tokens(const Caller& caller, uint64_t tokens);

 private:
  struct Entry {
    Key key;
    std::string hash;                           // 32 bytes
    double minute_tokens = 0, minute_time = 0;  // token bucket of requests
    int64_t day = 0;
    uint64_t used_today = 0;
  };
  Decision decide(Entry& entry, Scope scope);
  static Decision allowed(const Entry& entry, Scope scope);
  static bool take_of_bucket(Entry& entry);
  bool take_of_shared_bucket(const Key& key);
  void load();
  void refresh() const;
  uint64_t used_today(const std::string& id) const;
  const Entry* find(const std::string& id) const;
  const Entry* match(std::string_view key) const;

  store::Database& database_;
  mutable store::Version version_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;  // by prefix
};

}  // namespace shenbi::server
