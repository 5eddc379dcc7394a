#pragma once
// Responses that a caller may fetch again and go on with (previous_response_id): the answer as it was given and the
// input that led to it, the whole conversation before it included.

#include <optional>
#include <string>

#include "chat/types.h"
#include "store/database.h"

namespace shenbi::server {

class StoredResponses {
 public:
  explicit StoredResponses(store::Database& database);

  struct One {
    chat::OrderedJson response;  ///< the object as it was answered
    chat::OrderedJson input;     ///< list of input items, from the first of the conversation
  };
  void add(const std::string& owner, const std::string& id, const One& one);
  /// Throws Error{kNotFound} naming the id: also for somebody else's.
  One get(const std::string& owner, const std::string& id) const;
  void remove(const std::string& owner, const std::string& id);

 private:
  store::Database& database_;
};

}  // namespace shenbi::server
