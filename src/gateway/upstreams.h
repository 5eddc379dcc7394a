#pragma once
// The accounts this installation has at houses: which house, where, with which keys, under which name. Kept in the
// database; a model of an upstream is called NAME/MODEL.
//
//   Upstreams upstreams(database);
//   upstreams.put({.name = "deepseek", .house = "deepseek", .keys = {"env:DEEPSEEK_API_KEY"}});
//
// A key is written as "env:VARIABLE" (nothing secret is stored) or as itself (then it lies in the database file, which
// only its owner may read). What another program that shares the database changes is known here within half a second.
// Thread-safe.

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

struct House;

struct Upstream {
  std::string name;               ///< letters, digits, '-', '_' and '.'; begins the names of its models
  std::string house;              ///< a file of gateway/houses
  std::string base_url;           ///< "": the house's own
  std::vector<std::string> keys;  ///< as configured
  std::map<std::string, std::string> settings;
  std::vector<std::string> models;  ///< offered ones; empty: what the house lists
  int64_t priority = 0;             ///< of several that offer a model the lowest number is asked first
  double weight = 1;                ///< share among those of equal priority
  bool enabled = true;
  /// How long it may be silent: until a stream says something, until an answer in one piece is there, between two
  /// pieces of a stream. 0: as RemoteOptions say.
  int64_t first_timeout_s = 0, whole_timeout_s = 0, idle_timeout_s = 0;
  /// What becomes of personal data in what it is asked (gateway/guarded.h): "send" it, "mask" it, "block" the request;
  /// "": as RemoteOptions say.
  std::string personal_data;
  std::vector<std::string> private_words, private_patterns;  ///< what else is taken for it (guard/personal_data.h)
  /// May lie on this machine or a private network. Only who sits at the machine sets it: over HTTP it stays false.
  bool private_network = false;

  bool operator==(const Upstream&) const = default;
};

class Upstreams {
 public:
  explicit Upstreams(store::Database& database);

  /// Adds it or replaces the one of that name. Throws Error{kInvalidArgument} naming the field: name, house, base_url
  /// (missing, or not http or https, or with a user name in it), settings that the house needs, weight, timeouts,
  /// personal_data, private_words, private_patterns.
  void put(const Upstream& upstream);
  /// False if there is none.
  bool remove(const std::string& name);
  std::vector<Upstream> list() const;
  std::optional<Upstream> find(std::string_view name) const;
  /// Grows with every change: who made something of the list knows when to make it anew.
  uint64_t revision() const;

 private:
  using Entries = std::map<std::string, Upstream, std::less<>>;
  Entries read() const;
  void refresh() const;

  store::Database& database_;
  mutable store::Version version_;
  mutable std::mutex mutex_;
  mutable Entries entries_;
  mutable std::atomic<uint64_t> revision_{1};
};

/// What "env:VARIABLE" stands for ("env:A:B": both, with ':' between them), any other text itself. Throws
/// Error{kUpstream} naming the variable if it is not set.
std::string secret_of(const std::string& configured);

/// Of how many parts a key of the house is made, and which: "SecretId:SecretKey"; 1 and "" for one in one piece.
size_t key_parts(const House& house);
std::string key_form(const House& house);

/// A key as it may be shown: "env:NAME" as it is, else its first and last characters.
std::string masked(const std::string& configured);

}  // namespace shenbi::gateway
