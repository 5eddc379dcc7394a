#pragma once
// Which placeholder stands for which value, within one request, and the way back. The same value has the same
// placeholder, and they are numbered as they come: what a conversation begins with looks the same at every turn.
//
//   Vault vault;
//   masked("write to a@b.com", finder, vault);        // "write to [EMAIL_1]"
//   Restorer restorer(vault);
//   restorer.push("Dear [EMA");  restorer.push("IL_1]!");  restorer.finish();   // "Dear ", "a@b.com!", ""
//
// Not thread-safe while it grows.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "guard/personal_data.h"

namespace shenbi::guard {

class Vault {
 public:
  /// Throws Error{kInvalidArgument} beyond kMaxMaskedValues different values.
  const std::string& placeholder(Kind kind, std::string_view value);
  /// Null if nothing is known of it.
  const std::string* known(std::string_view value) const;
  const std::string* value(std::string_view placeholder) const;
  bool empty() const noexcept { return values_.empty(); }
  /// How many different values there are of each kind.
  const std::array<uint32_t, kKinds>& counts() const noexcept { return counts_; }
  /// "email 2, phone 1"
  std::string summary() const;

 private:
  std::map<std::string, std::string, std::less<>> placeholders_, values_;
  std::array<uint32_t, kKinds> counts_{};
};

/// The text with placeholders; nothing if it stays as it is. `known_only`: nothing new is hidden (what its maker has
/// signed must travel back as it came, and what is not in the vault he wrote himself).
std::optional<std::string> masked(std::string_view text, const Finder& finder, Vault& vault, bool known_only = false);

/// Puts values back into a text that comes in pieces; what may become a placeholder waits for the next piece, some
/// twenty bytes at most. Time linear in the text.
class Restorer {
 public:
  /// `json`: the text is JSON, so values go into its strings. The vault must outlive it.
  explicit Restorer(const Vault& vault, bool json = false) : vault_(&vault), json_(json) {}

  std::string push(std::string_view piece);
  /// What still waits.
  std::string finish();
  bool waits() const noexcept { return !held_.empty(); }

 private:
  const Vault* vault_;
  bool json_;
  std::string held_;
};

/// All of a text.
std::string restored(std::string_view text, const Vault& vault, bool json = false);

}  // namespace shenbi::guard
