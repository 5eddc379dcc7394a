#pragma once
// Names that the operator gives to models: an alias of one, or a group of several that stand for each other. Kept in
// the database.
//
//   Routes routes(database);
//   routes.put({.name = "smart", .targets = {"openai/gpt-4.1", "deepseek/deepseek-chat", "gemma3:270m"}});
//
// What another program that shares the database changes is known here within half a second. Thread-safe.

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.h"
#include "store/version.h"

namespace shenbi::gateway {

struct NamedRoute {
  std::string name;
  /// UPSTREAM/MODEL, a local model, a model that upstreams offer, or a rule ("auto:vision"); not another route.
  std::vector<std::string> targets;
  /// In which order they are asked: "listed", "turns" (each as often as the others), "fast", "cheapest" (route_rule.h).
  std::string order = "listed";
  /// When the first has said nothing for so long a second one is asked beside it, and who speaks first answers. 0:
  /// never.
  int64_t hedge_ms = 0;

  bool operator==(const NamedRoute&) const = default;
};

class Routes {
 public:
  explicit Routes(store::Database& database);

  /// Adds it or replaces the one of that name. Throws Error{kInvalidArgument} naming the field.
  void put(const NamedRoute& route);
  /// False if there is none.
  bool remove(const std::string& name);
  std::vector<NamedRoute> list() const;
  std::optional<NamedRoute> find(std::string_view name) const;

 private:
  using Entries = std::map<std::string, NamedRoute, std::less<>>;
  Entries read() const;
  void refresh() const;

  store::Database& database_;
  mutable store::Version version_;
  mutable std::mutex mutex_;
  mutable Entries entries_;
};

}  // namespace shenbi::gateway
