#pragma once
// Saved prompts: texts that a reader of the page uses again, by name. Every call names the owner; what belongs to
// somebody else is not there (Error{kNotFound}).

#include <string>
#include <vector>

#include "store/database.h"

namespace shenbi::server {

struct SavedPrompt {
  std::string id, name, content;
  double updated = 0;
};

class Prompts {
 public:
  explicit Prompts(store::Database& database);

  std::vector<SavedPrompt> list(const std::string& owner) const;  ///< by name
  /// Throws Error{kInvalidArgument} beyond limits::kMaxSavedPrompts.
  SavedPrompt create(const std::string& owner, const std::string& name, const std::string& content);
  SavedPrompt get(const std::string& owner, const std::string& id) const;
  SavedPrompt change(const std::string& owner, const std::string& id, const std::string& name,
                     const std::string& content);
  void remove(const std::string& owner, const std::string& id);

 private:
  store::Database& database_;
};

}  // namespace shenbi::server
