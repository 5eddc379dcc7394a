#pragma once
// What an upstream must not repeat: a house (or somebody who pretends to be one) that writes our key into its error
// would have it shown to our caller, kept in the ledger and logged.

#include <string>
#include <string_view>
#include <vector>

#include "net/client.h"

namespace shenbi::gateway {

class Secrets {
 public:
  Secrets() = default;
  /// Of a key, its parts ("id:secret"), and the headers that prove who we are.
  Secrets(const std::string& key, const net::Headers& proof);
  /// The text with "****" for each of them.
  std::string hidden(std::string text) const;

 private:
  void add(std::string_view secret);
  std::vector<std::string> secrets_;
};

}  // namespace shenbi::gateway
