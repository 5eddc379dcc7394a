#pragma once
// A request's JSON body, field by field. Every field is read or refused by name: nothing that a client sends is
// ignored.
//
//   Body body = Body::parse(call.request.body);
//   auto title = body.text("title");          // nothing if absent or null; Error{kInvalidArgument} "title: expected a
//   string, found number" body.done();                              // Error{kInvalidArgument} "colour: unknown field"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "chat/types.h"

namespace shenbi::server {

/// Parses with the bounds of requests. Error{kInvalidArgument} says what is no JSON.
chat::OrderedJson parse_body(std::string_view text);

class Body {
 public:
  /// An empty text is an empty object.
  static Body parse(std::string_view text);
  explicit Body(chat::OrderedJson object, std::string prefix = {});

  std::optional<std::string> text(std::string_view name);
  std::string required_text(std::string_view name);
  std::optional<bool> boolean(std::string_view name);
  std::optional<double> number(std::string_view name, double least, double most);
  std::optional<int64_t> integer(std::string_view name, int64_t least, int64_t most);
  std::optional<std::vector<std::string>> texts(std::string_view name);  ///< a list, or one string alone
  std::optional<Body> object(std::string_view name);
  /// The field as it is; null if absent.
  chat::OrderedJson any(std::string_view name);
  bool has(std::string_view name) const;  ///< present, null included
  void done() const;

 private:
  const chat::OrderedJson* find(std::string_view name);
  [[noreturn]] void wrong(std::string_view name, std::string_view expected, const chat::OrderedJson& found) const;
  chat::OrderedJson json_;
  std::string prefix_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace shenbi::server
