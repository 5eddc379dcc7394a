#include "server/keys.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <chrono>

#include "base/json.h"
#include "base/reason.h"
#include "net/sha256.h"
#include "server/ids.h"

namespace shenbi::server {
namespace {

constexpr std::string_view kPrefix = "sk-shenbi-";
constexpr size_t kIdLength = 8, kSecretLength = 32;
constexpr double kMinute = 60, kDay = 86400;
constexpr std::string_view kNeeded = "a key is needed: Authorization: Bearer KEY";
constexpr std::string_view kUnknown = "this key is unknown or revoked";

const std::vector<store::Step> kKeysSchema = {
    "CREATE TABLE keys (id TEXT PRIMARY KEY, hash TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL, models TEXT "
    "NOT NULL,"
    " requests_per_minute INTEGER NOT NULL, tokens_per_day INTEGER NOT NULL, created REAL NOT NULL, expires REAL NOT "
    "NULL,"
    " revoked INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE key_use (id TEXT NOT NULL REFERENCES keys(id), day INTEGER NOT NULL, tokens INTEGER NOT NULL,"
    " PRIMARY KEY (id, day)) STRICT",
    "ALTER TABLE keys ADD COLUMN team TEXT NOT NULL DEFAULT ''",
    // Where several programs count: the requests that a key may still make, and when that was so.
    "CREATE TABLE key_rate (id TEXT PRIMARY KEY, left_over REAL NOT NULL, time REAL NOT NULL) STRICT"};

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string hash_of(std::string_view text) {
  net::Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  return hash.finish();
}

// The prefix of a key of ours, "" for anything else.
std::string id_of(std::string_view key) {
  if (!key.starts_with(kPrefix) || key.size() != kPrefix.size() + kIdLength + 1 + kSecretLength) return {};
  return std::string(key.substr(kPrefix.size(), kIdLength));
}

template <class Set, class Text>
std::string join(const Set& set, const Text& text) {
  Json list = Json::array();
  for (const auto& item : set) list.push_back(text(item));
  return list.dump();
}

Key key_of(const store::Row& row) {
  Key key{.id = row.text("id"), .name = row.text("name")};
  for (const Json& scope : Json::parse(row.text("scopes"))) key.scopes.insert(scope_of(scope.get<std::string>()));
  for (const Json& model : Json::parse(row.text("models"))) key.models.insert(model.get<std::string>());
  key.requests_per_minute = static_cast<uint64_t>(row.integer("requests_per_minute"));
  key.tokens_per_day = static_cast<uint64_t>(row.integer("tokens_per_day"));
  key.created = row.real("created");
  key.expires = row.real("expires");
  key.revoked = row.integer("revoked") != 0;
  key.team = row.text("team");
  return key;
}

int64_t today() { return static_cast<int64_t>(now() / kDay); }

}  // namespace

std::string_view scope_name(Scope scope) noexcept {
  switch (scope) {
    case Scope::kInfer:
      return "infer";
    case Scope::kRead:
      return "read";
    case Scope::kManage:
      return "manage";
    case Scope::kPage:
      return "page";
  }
  return "";
}

Scope scope_of(std::string_view name) {
  for (const Scope scope : {Scope::kInfer, Scope::kRead, Scope::kManage, Scope::kPage}) {
    if (scope_name(scope) == name) return scope;
  }
  throw Error(Code::kInvalidArgument, fmt::format("scopes: '{}' is none of infer, read, manage, page", name));
}

Keys::Keys(store::Database& database, const std::vector<std::string>& fixed)
    : database_(database), version_(database, "keys") {
  database_.migrate("keys", kKeysSchema);
  refresh();
  for (size_t i = 0; i < fixed.size(); ++i) {
    if (fixed[i].size() < 16) throw Error(Code::kInvalidArgument, "--api-key: at least 16 characters");
    Entry entry{.key = {.id = fmt::format("fixed-{}", i + 1), .name = "given at the start"}, .hash = hash_of(fixed[i])};
    entries_.emplace(entry.key.id, std::move(entry));
  }
}

void Keys::load() {
  for (const store::Row& row : database_.query("SELECT * FROM keys")) {
    Entry& entry = entries_[row.text("id")];
    entry.key = key_of(row);
    entry.hash = row.text("hash");
    entry.day = today();
    if (!database_.shared() && entry.key.tokens_per_day > 0) entry.used_today = used_today(entry.key.id);
  }
}

uint64_t Keys::used_today(const std::string& id) const {
  const auto used = database_.query("SELECT tokens FROM key_use WHERE id = ? AND day = ?", {id, today()});
  return used.empty() ? 0 : static_cast<uint64_t>(used[0].integer("tokens"));
}

// Keys are never deleted, so what is read again only adds and changes.
void Keys::refresh() const {
  version_.follow([&] {
    std::lock_guard lock(mutex_);
    const_cast<Keys*>(this)->load();
  });
}

bool Keys::required() const {
  std::lock_guard lock(mutex_);
  return !entries_.empty();
}

Keys::NewKey Keys::create(Key wanted) {
  NewKey made{.key = std::move(wanted)};
  made.key.id = random_text(kIdLength);
  made.key.created = now();
  made.key.revoked = false;
  made.text = fmt::format("{}{}-{}", kPrefix, made.key.id, random_text(kSecretLength));
  Entry entry{.key = made.key, .hash = hash_of(made.text)};
  entry.day = today();
  const Key& k = made.key;
  database_.transaction([&] {
    database_.run(
        "INSERT INTO keys (id, hash, name, scopes, models, requests_per_minute, tokens_per_day, created, expires, "
        "team) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {k.id, entry.hash, k.name, join(k.scopes, [](Scope s) { return std::string(scope_name(s)); }),
         join(k.models, [](const std::string& m) { return m; }), static_cast<int64_t>(k.requests_per_minute),
         static_cast<int64_t>(k.tokens_per_day), k.created, k.expires, k.team});
    version_.bump();
  });
  std::lock_guard lock(mutex_);
  entries_.insert_or_assign(k.id, std::move(entry));
  return made;
}

std::vector<Key> Keys::list() const {
  refresh();
  std::lock_guard lock(mutex_);
  std::vector<Key> keys;
  for (const auto& [id, entry] : entries_) keys.push_back(entry.key);
  return keys;
}

bool Keys::revoke(const std::string& id) {
  int64_t changed = 0;
  database_.transaction([&] {
    changed = database_.run("UPDATE keys SET revoked = 1 WHERE id = ?", {id});
    version_.bump();
  });
  std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(id); found != entries_.end() && changed > 0) found->second.key.revoked = true;
  return changed > 0;
}

bool Keys::set_team(const std::string& id, const std::string& team) {
  int64_t changed = 0;
  database_.transaction([&] {
    changed = database_.run("UPDATE keys SET team = ? WHERE id = ?", {team, id});
    version_.bump();
  });
  std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(id); found != entries_.end() && changed > 0) found->second.key.team = team;
  return changed > 0;
}

std::string Keys::team_of(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const Entry* entry = find(id);
  return entry ? entry->key.team : "";
}

const Keys::Entry* Keys::find(const std::string& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

// Every entry that could be it is compared in full, so that the time tells nothing about how much of a key was right.
const Keys::Entry* Keys::match(std::string_view text) const {
  const std::string hash = hash_of(text), id = id_of(text);
  const Entry* found = nullptr;
  for (const auto& [entry_id, entry] : entries_) {
    if (!id.empty() && entry_id != id && !entry_id.starts_with("fixed-")) continue;
    if (CRYPTO_memcmp(entry.hash.data(), hash.data(), hash.size()) == 0) found = &entry;
  }
  return found;
}

Caller Keys::identify(std::string_view text) const {
  std::lock_guard lock(mutex_);
  const Entry* entry = entries_.empty() || text.empty() ? nullptr : match(text);
  return entry ? Caller{.id = entry->key.id, .name = entry->key.name} : Caller{};
}

Keys::Decision Keys::check(std::string_view text, Scope scope) {
  refresh();
  std::lock_guard lock(mutex_);
  if (entries_.empty()) return {.caller = Caller{}, .message = {}};
  if (text.empty()) return {.message = std::string(kNeeded)};
  auto* match = const_cast<Entry*>(this->match(text));
  return match ? decide(*match, scope) : Decision{.message = std::string(kUnknown)};
}

Keys::Decision Keys::check_known(std::string_view text, Scope scope) const {
  std::lock_guard lock(mutex_);
  if (entries_.empty()) return {.caller = Caller{}, .message = {}};
  if (text.empty()) return {.message = std::string(kNeeded)};
  const Entry* entry = match(text);
  return entry ? allowed(*entry, scope) : Decision{.unknown = true, .message = std::string(kUnknown)};
}

Keys::Decision Keys::check_again(const std::string& caller_id, Scope scope) {
  refresh();
  std::lock_guard lock(mutex_);
  if (entries_.empty() && caller_id == Caller{}.id) return {.caller = Caller{}, .message = {}};
  const auto found = entries_.find(caller_id);
  return found != entries_.end() ? decide(found->second, scope) : Decision{.message = std::string(kUnknown)};
}

Keys::Decision Keys::allowed(const Entry& entry, Scope scope) {
  if (entry.key.revoked) return {.message = std::string(kUnknown)};
  if (entry.key.expires > 0 && entry.key.expires < now()) return {.message = "this key has expired"};
  if (!entry.key.scopes.empty() && !entry.key.scopes.contains(scope)) {
    return {.forbidden = true,
            .message = fmt::format("this key may not do that: it lacks the scope '{}'", scope_name(scope))};
  }
  return {.caller = Caller{.id = entry.key.id, .name = entry.key.name}, .message = {}};
}

Keys::Decision Keys::decide(Entry& entry, Scope scope) {
  Decision decision = allowed(entry, scope);
  if (const uint64_t rate = entry.key.requests_per_minute; decision.caller && rate > 0) {
    if (!(database_.shared() ? take_of_shared_bucket(entry.key) : take_of_bucket(entry)))
      return {.code = Code::kRateLimited, .message = fmt::format("this key may ask {} times a minute", rate)};
  }
  return decision;
}

bool Keys::take_of_bucket(Entry& entry) {
  const auto rate = static_cast<double>(entry.key.requests_per_minute);
  const double time = now();
  if (entry.minute_time == 0) entry.minute_tokens = rate;
  entry.minute_tokens = std::min(rate, entry.minute_tokens + (time - entry.minute_time) * rate / kMinute);
  entry.minute_time = time;
  if (entry.minute_tokens < 1) return false;
  entry.minute_tokens -= 1;
  return true;
}

// The same in one statement, by the database's clock.
bool Keys::take_of_shared_bucket(const Key& key) {
  const auto rate = static_cast<double>(key.requests_per_minute);
  const std::string filled = fmt::format("(key_rate.left_over + ({} - key_rate.time) * ?)", database_.seconds_now());
  const std::string sql = fmt::format(
      "INSERT INTO key_rate (id, left_over, time) VALUES (?, ?, {1}) ON CONFLICT (id) DO UPDATE SET left_over = CASE "
      "WHEN {0} > ? THEN ? ELSE {0} END - 1, time = excluded.time WHERE {0} >= 1",
      filled, database_.seconds_now());
  return database_.run(sql, {key.id, rate - 1, rate / kMinute, rate, rate, rate / kMinute, rate / kMinute}) > 0;
}

bool Keys::sees_model(const Caller& caller, const std::string& model) const {
  std::lock_guard lock(mutex_);
  const Entry* entry = find(caller.id);
  return !entry || entry->key.models.empty() || entry->key.models.contains(model);
}

void Keys::check_model(const Caller& caller, const std::string& model) const {
  if (!sees_model(caller, model))
    throw ReasonedError(Code::kNotFound, Reason::kModelNotFound, fmt::format("model '{}' is not here", model));
}

void Keys::check_quota(const Caller& caller) const {
  std::lock_guard lock(mutex_);
  const Entry* entry = find(caller.id);
  if (!entry || entry->key.tokens_per_day == 0) return;
  const uint64_t used = database_.shared() ? used_today(caller.id) : entry->day == today() ? entry->used_today : 0;
  if (used >= entry->key.tokens_per_day) {
    throw Error(Code::kRateLimited,
                fmt::format("the {} tokens a day of this key are used up", entry->key.tokens_per_day));
  }
}

void Keys::count_tokens(const Caller& caller, uint64_t tokens) {
  {
    std::lock_guard lock(mutex_);
    const auto found = entries_.find(caller.id);
    if (found == entries_.end() || found->second.key.tokens_per_day == 0) return;
    Entry& entry = found->second;
    if (entry.day != today()) entry.used_today = 0;
    entry.day = today();
    entry.used_today += tokens;
  }
  database_.run(
      "INSERT INTO key_use (id, day, tokens) SELECT id, ?, ? FROM keys WHERE id = ?"
      " ON CONFLICT (id, day) DO UPDATE SET tokens = key_use.tokens + excluded.tokens",
      {today(), static_cast<int64_t>(tokens), caller.id});
}

}  // namespace shenbi::server
