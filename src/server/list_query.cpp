#include "server/list_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/utf8.h"

namespace shenbi::server {
namespace {

int64_t limit_of(const std::string& text, int64_t most) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > most) {
    throw Error(Code::kInvalidArgument, fmt::format("limit: must be a whole number from 1 to {}", most));
  }
  return value;
}

}  // namespace

ListQuery ListQuery::of(const net::ServerRequest& request, int64_t usual, int64_t most,
                        std::initializer_list<std::string_view> more) {
  const std::string_view all = request.query;
  for (size_t at = 0; at < all.size();) {
    const size_t end = std::min(all.find('&', at), all.size());
    const std::string_view one = all.substr(at, end - at), name = one.substr(0, one.find('='));
    const bool known = name.empty() || name == "limit" || name == "after" || name == "key" ||
                       std::find(more.begin(), more.end(), name) != more.end();
    if (!known) {
      throw Error(Code::kInvalidArgument, fmt::format("{}: unknown parameter", sanitize_utf8(name.substr(0, 80))));
    }
    at = end + 1;
  }
  ListQuery query{.limit = usual, .after = request.parameter("after").value_or("")};
  if (const auto limit = request.parameter("limit")) query.limit = limit_of(*limit, most);
  return query;
}

chat::OrderedJson list_json(chat::OrderedJson data, bool more) {
  const chat::OrderedJson first = data.empty() ? chat::OrderedJson() : data.front().at("id");
  const chat::OrderedJson last = data.empty() ? chat::OrderedJson() : data.back().at("id");
  return {{"object", "list"}, {"data", std::move(data)}, {"first_id", first}, {"last_id", last}, {"has_more", more}};
}

}  // namespace shenbi::server
