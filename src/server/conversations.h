#pragma once
// The page's conversations in the database: trees of messages, folders, full-text search. Every call names the owner;
// what belongs to somebody else is not there (Error{kNotFound}).

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.h"

namespace shenbi::server {

struct StoredMessage {
  std::string id, conversation, parent;  ///< parent "": a first message
  std::string role;                      ///< "user" or "assistant"
  std::string content, thinking, model;
  double created = 0;
  std::string status = "done";  ///< "running", "done", "stopped", "failed"
  std::string error, finish;
  std::string usage;     ///< JSON object or ""
  std::string warnings;  ///< JSON array or ""
  std::string params;    ///< JSON object: what the answer was asked with
};

struct StoredConversation {
  std::string id, title, folder, leaf;  ///< "" for none
  bool pinned = false;
  double created = 0, updated = 0;
  int64_t messages = 0;
  std::string snippet;  ///< of a search
};

struct StoredFolder {
  std::string id, name;
  int64_t count = 0;
};

class Conversations {
 public:
  /// Answers that were running when the program ended are marked as stopped; those of another program that shares the
  /// database when that one is gone.
  explicit Conversations(store::Database& database);

  struct Filter {
    std::string text, folder;
    double before = 0;  ///< 0: from the newest
    int64_t limit = 100;
  };
  std::vector<StoredConversation> list(const std::string& owner, const Filter& filter) const;
  StoredConversation get(const std::string& owner, const std::string& id) const;
  std::vector<StoredMessage> messages(const std::string& owner, const std::string& id) const;
  StoredConversation create(const std::string& owner, const std::string& title, const std::string& folder);
  struct Change {
    std::optional<std::string> title, folder, leaf;
    std::optional<bool> pinned;
  };
  StoredConversation change(const std::string& owner, const std::string& id, const Change& change);
  /// Gone from every list; can come back until purge().
  void remove(const std::string& owner, const std::string& id);
  void restore(const std::string& owner, const std::string& id);
  /// Deletes for good what was removed longer ago than `seconds`.
  void purge(double seconds);

  std::vector<StoredFolder> folders(const std::string& owner) const;
  StoredFolder create_folder(const std::string& owner, const std::string& name);
  void rename_folder(const std::string& owner, const std::string& id, const std::string& name);
  void remove_folder(const std::string& owner, const std::string& id);

  StoredMessage message(const std::string& owner, const std::string& id) const;
  /// From the first message down to `id`; empty for "".
  std::vector<StoredMessage> path_to(const std::string& owner, const std::string& conversation,
                                     const std::string& id) const;
  /// Adds and makes it the leaf; id and created are filled in where empty.
  StoredMessage add(const std::string& owner, StoredMessage message);
  /// Writes what an answer has become.
  void save(const StoredMessage& message);

  /// All in one transaction; used by import.
  void import(const std::string& owner, StoredConversation conversation, std::vector<StoredMessage> messages);

 private:
  void check_folder(const std::string& owner, const std::string& id) const;
  void end_answers_of(int64_t instance);
  store::Database& database_;
  std::shared_ptr<void> gone_;  // what is done for other programs
};

}  // namespace shenbi::server
