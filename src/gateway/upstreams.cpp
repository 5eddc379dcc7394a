#include "gateway/upstreams.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/redact.h"
#include "gateway/house.h"
#include "guard/personal_data.h"

namespace shenbi::gateway {
namespace {

constexpr std::string_view kFromEnvironment = "env:";
constexpr std::chrono::milliseconds kLookEvery{500};
constexpr size_t kLongestName = 64;  // it stands in front of every model's name

[[noreturn]] void refuse(std::string_view field, const std::string& why) {
  throw Error(Code::kInvalidArgument, fmt::format("{}: {}", field, why));
}

void check_name(const std::string& name) {
  const bool fits = std::all_of(name.begin(), name.end(),
                                [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
  if (name.empty() || name.size() > kLongestName || !fits)
    refuse("name", fmt::format("'{}' is not 1 to {} letters, digits, '-', '_' and '.'", name, kLongestName));
}

void check_base_url(const std::string& url, const House& house) {
  if (url.empty()) {
    if (house.base_url.empty()) refuse("base_url", fmt::format("{} has no address of its own: give one", house.title));
    return;
  }
  const bool socket = house.base_url.starts_with("ws");
  const std::string_view plain = socket ? "ws://" : "http://", secure = socket ? "wss://" : "https://";
  const bool web = url.starts_with(plain) || url.starts_with(secure);
  const size_t host = url.find("://") + 3;
  if (!web || host >= url.size() || url[host] == '/')
    refuse("base_url", fmt::format("'{}' is not an address that begins with {} or {}", url, plain, secure));
  const std::string_view authority = std::string_view(url).substr(host, url.find_first_of("/?#", host) - host);
  if (authority.find('@') != std::string_view::npos) refuse("base_url", "must not hold a user name or password");
  if (url.find_first_of("?# \t\r\n") != std::string::npos)
    refuse("base_url", "must not hold a query, a fragment or blanks");
}

void check_timeout(const char* field, int64_t seconds) {
  constexpr int64_t kMost = 86'400;
  if (seconds < 0 || seconds > kMost) refuse(field, fmt::format("{} is not between 0 and {} s", seconds, kMost));
}

void check_personal_data(const std::string& word) {
  if (word.empty() || word == "send" || word == "mask" || word == "block") return;
  refuse("personal_data", fmt::format("'{}' is none of send, mask and block", word));
}

void check(const Upstream& upstream) {
  check_name(upstream.name);
  const House house = find_house(upstream.house);
  check_base_url(upstream.base_url, house);
  for (const AccountField& field : house.fields) {
    const bool setting = field.kind == AccountField::Kind::kSetting;
    if (setting && field.required && !upstream.settings.contains(field.name))
      refuse("settings", fmt::format("{} needs '{}'", house.title, field.name));
  }
  if (!std::isfinite(upstream.weight) || upstream.weight <= 0) refuse("weight", "must be above 0");
  check_timeout("first_timeout_s", upstream.first_timeout_s);
  check_timeout("whole_timeout_s", upstream.whole_timeout_s);
  check_timeout("idle_timeout_s", upstream.idle_timeout_s);
  check_personal_data(upstream.personal_data);
  const guard::Finder finder({.words = upstream.private_words, .patterns = upstream.private_patterns});
  for (const std::string& key : upstream.keys) {
    if (key.empty() || key.find_first_of("\r\n") != std::string::npos)
      refuse("keys", "a key is one line and not empty");
    const auto has_parts = static_cast<size_t>(std::count(key.begin(), key.end(), ':')) + 1;
    if (!key.starts_with(kFromEnvironment) && has_parts < key_parts(house))
      refuse("keys", fmt::format("a key of {} is {}", house.title, key_form(house)));
  }
}

std::string to_json(const Upstream& u) {
  return nlohmann::json{{"house", u.house},
                        {"base_url", u.base_url},
                        {"keys", u.keys},
                        {"settings", u.settings},
                        {"models", u.models},
                        {"priority", u.priority},
                        {"weight", u.weight},
                        {"enabled", u.enabled},
                        {"first_timeout_s", u.first_timeout_s},
                        {"whole_timeout_s", u.whole_timeout_s},
                        {"idle_timeout_s", u.idle_timeout_s},
                        {"personal_data", u.personal_data},
                        {"private_words", u.private_words},
                        {"private_patterns", u.private_patterns},
                        {"private_network", u.private_network}}
      .dump();
}

Upstream from_json(std::string name, const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  return {.name = std::move(name),
          .house = json.at("house"),
          .base_url = json.at("base_url"),
          .keys = json.at("keys"),
          .settings = json.at("settings"),
          .models = json.at("models"),
          .priority = json.at("priority"),
          .weight = json.at("weight"),
          .enabled = json.at("enabled"),
          .first_timeout_s = json.value("first_timeout_s", 0),
          .whole_timeout_s = json.value("whole_timeout_s", 0),
          .idle_timeout_s = json.value("idle_timeout_s", 0),
          .personal_data = json.value("personal_data", ""),
          .private_words = json.value("private_words", std::vector<std::string>{}),
          .private_patterns = json.value("private_patterns", std::vector<std::string>{}),
          .private_network = json.at("private_network")};
}

}  // namespace

Upstreams::Upstreams(store::Database& database) : database_(database), version_(database, "upstreams") {
  database_.migrate("upstreams", {"CREATE TABLE upstreams (name TEXT PRIMARY KEY, config TEXT NOT NULL)"});
  refresh();
}

Upstreams::Entries Upstreams::read() const {
  Entries all;
  for (const store::Row& row : database_.query("SELECT name, config FROM upstreams")) {
    try {
      all.emplace(row.text("name"), from_json(row.text("name"), row.text("config")));
    } catch (const nlohmann::json::exception& error) {
      throw Error(Code::kCorruptFile, fmt::format("upstream '{}' in the database: {}", row.text("name"), error.what()));
    }
  }
  return all;
}

void Upstreams::refresh() const {
  version_.follow_at_leisure(kLookEvery, [&] {
    Entries all = read();
    std::lock_guard lock(mutex_);
    entries_ = std::move(all);
    ++revision_;
  });
}

uint64_t Upstreams::revision() const {
  refresh();
  return revision_;
}

void Upstreams::put(const Upstream& upstream) {
  check(upstream);
  std::lock_guard lock(mutex_);
  database_.transaction([&] {
    database_.run(
        "INSERT INTO upstreams (name, config) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET config = excluded.config",
        {upstream.name, to_json(upstream)});
    version_.bump();
  });
  entries_[upstream.name] = upstream;
  ++revision_;
}

bool Upstreams::remove(const std::string& name) {
  std::lock_guard lock(mutex_);
  bool found = false;
  database_.transaction([&] {
    found = database_.run("DELETE FROM upstreams WHERE name = ?", {name}) > 0;
    version_.bump();
  });
  if (!found) return false;
  entries_.erase(name);
  ++revision_;
  return true;
}

std::vector<Upstream> Upstreams::list() const {
  refresh();
  std::lock_guard lock(mutex_);
  std::vector<Upstream> all;
  for (const auto& [name, upstream] : entries_) all.push_back(upstream);
  return all;
}

std::optional<Upstream> Upstreams::find(std::string_view name) const {
  refresh();
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

namespace {

std::string value_of(const std::string& variable) {
  const char* value = std::getenv(variable.c_str());
  if (value == nullptr || *value == '\0')
    throw Error(Code::kUpstream, fmt::format("the environment variable {} is not set", variable));
  return value;
}

}  // namespace

size_t key_parts(const House& house) {
  const auto is_part = [](const AccountField& field) { return field.kind == AccountField::Kind::kKeyPart; };
  return std::max<size_t>(1, static_cast<size_t>(std::count_if(house.fields.begin(), house.fields.end(), is_part)));
}

std::string key_form(const House& house) {
  std::string form;
  for (const AccountField& field : house.fields) {
    if (field.kind == AccountField::Kind::kKeyPart) form += (form.empty() ? "" : ":") + field.title;
  }
  return form;
}

std::string secret_of(const std::string& configured) {
  if (!configured.starts_with(kFromEnvironment)) {
    keep_secret(configured);
    return configured;
  }
  std::string secret;
  for (size_t at = kFromEnvironment.size(); at <= configured.size();) {
    const size_t end = std::min(configured.find(':', at), configured.size());
    secret += (at == kFromEnvironment.size() ? "" : ":") + value_of(configured.substr(at, end - at));
    at = end + 1;
  }
  keep_secret(secret);
  return secret;
}

std::string masked(const std::string& configured) {
  if (configured.starts_with(kFromEnvironment)) return configured;
  // Of a short key nothing may be shown: its ends would be most of it.
  if (configured.size() < 16) return "****";
  return configured.substr(0, 3) + "****" + configured.substr(configured.size() - 4);
}

}  // namespace shenbi::gateway
