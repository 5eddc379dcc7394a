#pragma once
// Reads a JSON object from a request field by field, so that no field is ignored in silence. Dialects and routes read
// every request with it.
//
//   Fields fields(json, "messages[2]");              // or Fields::of_body(text)
//   const std::string role = fields.needed_text("role");
//   fields.accept({"name"});                         // harmless
//   fields.refuse("audio", "this server gives text");
//   fields.end();                                    // whatever nobody asked for is unknown, by name
//
// null counts as absent. Errors are Error{kInvalidArgument} "messages[2].role: expected a string, found a number".

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/types.h"

namespace shenbi::chat {

[[noreturn]] void refuse_field(std::string_view field, std::string_view why);

/// The body of a request: an object, or an Error that says where it is none. Both are Error{kInvalidArgument}.
OrderedJson parse_body(std::string_view body);

class Fields {
 public:
  /// `json` must outlive this.
  Fields(const OrderedJson& json, std::string path);
  /// Keeps the JSON itself. An empty text is an empty object: nothing was asked for.
  static Fields of_body(std::string_view body);

  /// nullptr if absent or null. Marks the field as read.
  const OrderedJson* find(std::string_view key);
  bool has(std::string_view key) { return find(key) != nullptr; }
  /// null included: for fields where null is a value of its own.
  bool mentions(std::string_view key) const;

  /// A copy of whatever it is; null if absent.
  OrderedJson any(std::string_view key);
  std::optional<double> number(std::string_view key, double low, double high);
  std::optional<int64_t> integer(std::string_view key, int64_t low, int64_t high);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::string> text(std::string_view key);
  const OrderedJson* object(std::string_view key);
  const OrderedJson* list(std::string_view key, uint64_t most = 1u << 20);
  /// One of the given words.
  std::optional<std::string> word(std::string_view key, std::initializer_list<std::string_view> words);
  /// A string, or a list of them.
  std::vector<std::string> texts(std::string_view key, uint64_t most);

  std::string needed_text(std::string_view key);
  const OrderedJson& needed(std::string_view key);
  const OrderedJson& needed_list(std::string_view key, uint64_t most = 1u << 20);
  const OrderedJson& needed_object(std::string_view key);

  void accept(std::initializer_list<std::string_view> keys);
  void refuse(std::string_view key, std::string_view why);
  /// What the field must be if it is there: anything else is refused.
  void only(std::string_view key, const OrderedJson& value, std::string_view why);

  [[noreturn]] void fail(std::string_view key, std::string_view why) const;
  std::string at(std::string_view key) const;
  std::string at(std::string_view key, size_t index) const;

  void end() const;

 private:
  explicit Fields(std::unique_ptr<const OrderedJson> own);
  std::unique_ptr<const OrderedJson> own_;  // of a body; else somebody else's
  const OrderedJson* take(std::string_view key);

  const OrderedJson& json_;
  std::string path_;
  std::vector<bool> read_;  // of the object's fields, in its order
};

std::string_view kind_of(const OrderedJson& json) noexcept;

}  // namespace shenbi::chat
