#include "chat/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/json.h"

namespace shenbi::chat {
namespace {

// Names in messages come from outside: short, and without what would break a line of a log.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, 80));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text.size() > 80 ? out + "..." : out;
}

}  // namespace

std::string_view kind_of(const OrderedJson& json) noexcept {
  switch (json.type()) {
    case OrderedJson::value_t::null:
      return "null";
    case OrderedJson::value_t::object:
      return "an object";
    case OrderedJson::value_t::array:
      return "a list";
    case OrderedJson::value_t::string:
      return "a string";
    case OrderedJson::value_t::boolean:
      return "a boolean";
    default:
      return "a number";
  }
}

void refuse_field(std::string_view field, std::string_view why) {
  throw Error(Code::kInvalidArgument, fmt::format("{}: {}", field, why));
}

OrderedJson parse_body(std::string_view body) {
  OrderedJson json;
  try {
    json = parse_ordered_json(body, "body");
  } catch (const Error& error) {
    throw Error(Code::kInvalidArgument, error.what());
  }
  if (!json.is_object()) refuse_field("body", fmt::format("expected an object, found {}", kind_of(json)));
  return json;
}

Fields::Fields(const OrderedJson& json, std::string path) : json_(json), path_(std::move(path)) {
  if (!json.is_object()) refuse_field(path_, fmt::format("expected an object, found {}", kind_of(json)));
  read_.resize(json.size());
}

Fields::Fields(std::unique_ptr<const OrderedJson> own) : own_(std::move(own)), json_(*own_), read_(json_.size()) {}

Fields Fields::of_body(std::string_view body) {
  return Fields(std::make_unique<const OrderedJson>(body.empty() ? OrderedJson::object() : parse_body(body)));
}

bool Fields::mentions(std::string_view key) const { return json_.contains(std::string(key)); }

std::string Fields::at(std::string_view key) const {
  return path_.empty() ? shown(key) : fmt::format("{}.{}", path_, shown(key));
}

std::string Fields::at(std::string_view key, size_t index) const { return fmt::format("{}[{}]", at(key), index); }

void Fields::fail(std::string_view key, std::string_view why) const { refuse_field(at(key), why); }

// A request asks for some sixty names of an object that has three: the names are compared, nothing is copied.
const OrderedJson* Fields::take(std::string_view key) {
  const auto& fields = json_.get_ref<const OrderedJson::object_t&>();
  for (auto field = fields.begin(); field != fields.end(); ++field) {
    if (field->first != key) continue;
    read_[static_cast<size_t>(field - fields.begin())] = true;
    return &field->second;
  }
  return nullptr;
}

const OrderedJson* Fields::find(std::string_view key) {
  const OrderedJson* found = take(key);
  return found && !found->is_null() ? found : nullptr;
}

OrderedJson Fields::any(std::string_view key) {
  const OrderedJson* json = find(key);
  return json ? *json : OrderedJson();
}

std::optional<double> Fields::number(std::string_view key, double low, double high) {
  const OrderedJson* json = find(key);
  if (!json) return std::nullopt;
  if (!json->is_number()) fail(key, fmt::format("expected a number, found {}", kind_of(*json)));
  const double value = json->get<double>();
  if (!(value >= low && value <= high)) fail(key, fmt::format("{} is not between {} and {}", value, low, high));
  return value;
}

std::optional<int64_t> Fields::integer(std::string_view key, int64_t low, int64_t high) {
  const OrderedJson* json = find(key);
  if (!json) return std::nullopt;
  if (!json->is_number()) fail(key, fmt::format("expected an integer, found {}", kind_of(*json)));
  // Some clients write 40.0; beyond 2^53 a float is no exact integer.
  if (json->is_number_float()) {
    const double value = json->get<double>();
    if (value != std::floor(value) || std::abs(value) > 0x1p53) fail(key, fmt::format("{} is no integer", value));
    if (value < static_cast<double>(low) || value > static_cast<double>(high)) {
      fail(key, fmt::format("{} is not between {} and {}", value, low, high));
    }
    return static_cast<int64_t>(value);
  }
  const bool too_large = json->is_number_unsigned() && json->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  if (too_large || json->get<int64_t>() < low || json->get<int64_t>() > high) {
    fail(key, fmt::format("{} is not between {} and {}", json->dump(), low, high));
  }
  return json->get<int64_t>();
}

std::optional<bool> Fields::boolean(std::string_view key) {
  const OrderedJson* json = find(key);
  if (!json) return std::nullopt;
  if (!json->is_boolean()) fail(key, fmt::format("expected a boolean, found {}", kind_of(*json)));
  return json->get<bool>();
}

std::optional<std::string> Fields::text(std::string_view key) {
  const OrderedJson* json = find(key);
  if (!json) return std::nullopt;
  if (!json->is_string()) fail(key, fmt::format("expected a string, found {}", kind_of(*json)));
  return json->get<std::string>();
}

const OrderedJson* Fields::object(std::string_view key) {
  const OrderedJson* json = find(key);
  if (json && !json->is_object()) fail(key, fmt::format("expected an object, found {}", kind_of(*json)));
  return json;
}

const OrderedJson* Fields::list(std::string_view key, uint64_t most) {
  const OrderedJson* json = find(key);
  if (!json) return nullptr;
  if (!json->is_array()) fail(key, fmt::format("expected a list, found {}", kind_of(*json)));
  if (json->size() > most) fail(key, fmt::format("{} entries, at most {} are allowed", json->size(), most));
  return json;
}

std::optional<std::string> Fields::word(std::string_view key, std::initializer_list<std::string_view> words) {
  auto value = text(key);
  if (value && std::find(words.begin(), words.end(), *value) == words.end()) {
    fail(key, fmt::format("\"{}\" is none of {}", shown(*value), fmt::join(words, ", ")));
  }
  return value;
}

std::vector<std::string> Fields::texts(std::string_view key, uint64_t most) {
  const OrderedJson* json = find(key);
  if (!json) return {};
  if (json->is_string()) return {json->get<std::string>()};
  if (!json->is_array()) fail(key, fmt::format("expected a string or a list of them, found {}", kind_of(*json)));
  if (json->size() > most) fail(key, fmt::format("{} entries, at most {} are allowed", json->size(), most));
  std::vector<std::string> all;
  for (const OrderedJson& one : *json) {
    if (!one.is_string()) refuse_field(at(key, all.size()), fmt::format("expected a string, found {}", kind_of(one)));
    all.push_back(one.get<std::string>());
  }
  return all;
}

const OrderedJson& Fields::needed(std::string_view key) {
  const OrderedJson* json = find(key);
  if (!json) fail(key, "this field is needed");
  return *json;
}

std::string Fields::needed_text(std::string_view key) {
  needed(key);
  return *text(key);
}

const OrderedJson& Fields::needed_list(std::string_view key, uint64_t most) {
  needed(key);
  return *list(key, most);
}

const OrderedJson& Fields::needed_object(std::string_view key) {
  needed(key);
  return *object(key);
}

void Fields::accept(std::initializer_list<std::string_view> keys) {
  for (const auto key : keys) take(key);
}

void Fields::refuse(std::string_view key, std::string_view why) {
  if (has(key)) fail(key, why);
}

void Fields::only(std::string_view key, const OrderedJson& value, std::string_view why) {
  const OrderedJson* json = find(key);
  if (json && *json != value) fail(key, why);
}

void Fields::end() const {
  const auto& fields = json_.get_ref<const OrderedJson::object_t&>();
  auto read = read_.begin();
  for (const auto& [key, value] : fields) {
    if (!*read++ && !value.is_null()) fail(key, "unknown field");
  }
}

}  // namespace shenbi::chat
