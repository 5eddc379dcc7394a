#pragma once
// Lists in OpenAI's manner: ?limit=20&after=ID, {"object": "list", "data", "first_id", "last_id", "has_more"}.

#include <initializer_list>
#include <string>
#include <string_view>

#include "chat/types.h"
#include "net/server.h"

namespace shenbi::server {

struct ListQuery {
  int64_t limit = 0;
  std::string after;

  /// Parameters besides limit, after, key and those in `more` are refused by name, as is a limit outside 1 to `most`.
  static ListQuery of(const net::ServerRequest& request, int64_t usual, int64_t most,
                      std::initializer_list<std::string_view> more = {});
};

chat::OrderedJson list_json(chat::OrderedJson data, bool more);

}  // namespace shenbi::server
