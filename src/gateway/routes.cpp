#include "gateway/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "gateway/route_rule.h"

namespace shenbi::gateway {
namespace {

constexpr std::chrono::milliseconds kLookForRoutesEvery{500};
constexpr size_t kLongestRouteName = 128, kMostTargets = 32;
constexpr int64_t kLongestHedgeMs = 600'000;
constexpr std::string_view kOrders[] = {"listed", "turns", "fast", "cheapest"};

[[noreturn]] void refuse_route(std::string_view field, const std::string& why) {
  throw Error(Code::kInvalidArgument, fmt::format("{}: {}", field, why));
}

bool is_route_name(std::string_view text) {
  return !text.empty() && text.size() <= kLongestRouteName &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

void check(const NamedRoute& route, const std::map<std::string, NamedRoute, std::less<>>& others) {
  if (!is_route_name(route.name))
    refuse_route("name", fmt::format("expected 1 to {} bytes without blanks", kLongestRouteName));
  if (is_rule(route.name)) refuse_route("name", fmt::format("'{}' is a rule: it has a meaning already", route.name));
  if (route.targets.empty() || route.targets.size() > kMostTargets)
    refuse_route("targets", fmt::format("{} models, expected 1 to {}", route.targets.size(), kMostTargets));
  for (const std::string& target : route.targets) {
    if (is_rule(target)) {
      read_rule(target);
      continue;
    }
    if (!is_route_name(target)) refuse_route("targets", fmt::format("'{}' is no name of a model", target));
    // A route may hide a model of its own name and go on to it, but not to another route.
    if (target != route.name && others.contains(target))
      refuse_route("targets", fmt::format("'{}' is a route itself: name its models", target));
  }
  if (route.hedge_ms < 0 || route.hedge_ms > kLongestHedgeMs)
    refuse_route("hedge_ms", fmt::format("{} is not between 0 and {}", route.hedge_ms, kLongestHedgeMs));
  if (std::find(std::begin(kOrders), std::end(kOrders), route.order) == std::end(kOrders))
    refuse_route("order", fmt::format("'{}' is none of listed, turns, fast, cheapest", route.order));
}

}  // namespace

Routes::Routes(store::Database& database) : database_(database), version_(database, "routes") {
  database_.migrate("routes", {"CREATE TABLE routes (name TEXT PRIMARY KEY, config TEXT NOT NULL)"});
  refresh();
}

void Routes::refresh() const {
  version_.follow_at_leisure(kLookForRoutesEvery, [&] {
    Entries all = read();
    std::lock_guard lock(mutex_);
    entries_ = std::move(all);
  });
}

Routes::Entries Routes::read() const {
  Entries all;
  for (const store::Row& row : database_.query("SELECT name, config FROM routes")) {
    try {
      const auto json = nlohmann::json::parse(row.text("config"));
      NamedRoute route{.name = row.text("name"),
                       .targets = json.at("targets"),
                       .order = json.at("order"),
                       .hedge_ms = json.value("hedge_ms", 0)};
      all.emplace(route.name, std::move(route));
    } catch (const nlohmann::json::exception& error) {
      throw Error(Code::kCorruptFile, fmt::format("route '{}' in the database: {}", row.text("name"), error.what()));
    }
  }
  return all;
}

void Routes::put(const NamedRoute& route) {
  std::lock_guard lock(mutex_);
  check(route, entries_);
  database_.transaction([&] {
    database_.run(
        "INSERT INTO routes (name, config) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET config = excluded.config",
        {route.name,
         nlohmann::json{{"targets", route.targets}, {"order", route.order}, {"hedge_ms", route.hedge_ms}}.dump()});
    version_.bump();
  });
  entries_[route.name] = route;
}

bool Routes::remove(const std::string& name) {
  std::lock_guard lock(mutex_);
  bool found = false;
  database_.transaction([&] {
    found = database_.run("DELETE FROM routes WHERE name = ?", {name}) > 0;
    version_.bump();
  });
  if (!found) return false;
  entries_.erase(name);
  return true;
}

std::vector<NamedRoute> Routes::list() const {
  refresh();
  std::lock_guard lock(mutex_);
  std::vector<NamedRoute> all;
  for (const auto& [name, route] : entries_) all.push_back(route);
  return all;
}

std::optional<NamedRoute> Routes::find(std::string_view name) const {
  refresh();
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace shenbi::gateway
