// Both formats meet in Scalar: a small copy of one value, whose checks and error words are then written once.

#include "formats/config_reader.h"

#include <fmt/format.h>

#include <cmath>
#include <variant>

#include "base/error.h"
#include "base/json.h"
#include "formats/text.h"

namespace shenbi::formats {

namespace {

/// One value of either format. monostate: a list, an object, or null where a value was expected.
using Scalar = std::variant<std::monostate, uint64_t, int64_t, double, bool, std::string_view>;

std::string shown(const Scalar& value) {
  switch (value.index()) {
    case 1:
      return fmt::format("the integer {}", std::get<uint64_t>(value));
    case 2:
      return fmt::format("the integer {}", std::get<int64_t>(value));
    case 3:
      return fmt::format("the float {}", std::get<double>(value));
    case 4:
      return std::get<bool>(value) ? "the bool true" : "the bool false";
    case 5:
      return fmt::format("the string '{}'", printable(std::get<std::string_view>(value)));
    default:
      return "a list or an object";
  }
}

Scalar scalar_of(const MetadataValue& value) {
  if (const auto* number = std::get_if<uint64_t>(&value)) return *number;
  if (const auto* number = std::get_if<int64_t>(&value)) {
    return *number < 0 ? Scalar(*number) : Scalar(static_cast<uint64_t>(*number));
  }
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* text = std::get_if<std::string_view>(&value)) return *text;
  return {};
}

Scalar scalar_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::number_unsigned:
      return value.get<uint64_t>();
    case Json::value_t::number_integer: {
      const auto number = value.get<int64_t>();
      return number < 0 ? Scalar(number) : Scalar(static_cast<uint64_t>(number));
    }
    case Json::value_t::number_float:
      return value.get<double>();
    case Json::value_t::boolean:
      return value.get<bool>();
    case Json::value_t::string:
      return std::string_view(value.get_ref<const std::string&>());
    default:
      return {};
  }
}

[[noreturn]] void wrong(const std::string& place, std::string_view problem) {
  throw Error(Code::kCorruptFile, fmt::format("{} {}", place, problem));
}

uint64_t checked_uint(const Scalar& value, UintRange range, const std::string& place) {
  const auto* number = std::get_if<uint64_t>(&value);
  if (!number && !std::holds_alternative<int64_t>(value)) {
    wrong(place, fmt::format("is {}, expected an integer", shown(value)));
  }
  if (!number || *number < range.min || *number > range.max) {
    wrong(place, fmt::format("is {}, expected {} to {}",
                             number ? fmt::to_string(*number) : fmt::to_string(std::get<int64_t>(value)), range.min,
                             range.max));
  }
  return *number;
}

/// JSON writes 10000 for 10000.0, so an integer is a real there; GGUF keeps the types apart.
double checked_real(const Scalar& value, RealRange range, const std::string& place, bool integers_count) {
  std::optional<double> number;
  if (const auto* real = std::get_if<double>(&value)) number = *real;
  if (const auto* whole = std::get_if<uint64_t>(&value); whole && integers_count) number = static_cast<double>(*whole);
  if (const auto* whole = std::get_if<int64_t>(&value); whole && integers_count) number = static_cast<double>(*whole);
  if (!number) wrong(place, fmt::format("is {}, expected a float", shown(value)));
  if (!std::isfinite(*number)) wrong(place, fmt::format("is {}, not a finite number", *number));
  if (*number < range.min || *number > range.max) {
    wrong(place, fmt::format("is {}, expected {} to {}", *number, range.min, range.max));
  }
  return *number;
}

bool checked_flag(const Scalar& value, const std::string& place) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  wrong(place, fmt::format("is {}, expected a bool", shown(value)));
}

std::string checked_text(const Scalar& value, const std::string& place) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
  wrong(place, fmt::format("is {}, expected a string", shown(value)));
}

/// A list's items, or one value as a list of one.
struct Items {
  bool is_list = false;
  std::vector<Scalar> values;
};

Items items_of(const Json& value) {
  if (!value.is_array()) return {.values = {scalar_of(value)}};
  Items items{.is_list = true};
  for (const Json& item : value) items.values.push_back(scalar_of(item));
  return items;
}

Items items_of(const MetadataValue& value) {
  const auto* array = std::get_if<MetadataArray>(&value);
  if (!array) return {.values = {scalar_of(value)}};
  Items items{.is_list = true};
  const auto append = [&](const auto& values) {
    using Item = typename std::decay_t<decltype(values)>::value_type;
    for (const Item& item : values) {
      if constexpr (std::is_same_v<Item, MetadataArray>) {
        items.values.emplace_back();
      } else if constexpr (std::is_same_v<Item, uint8_t>) {
        items.values.emplace_back(item != 0);
      } else {
        items.values.push_back(scalar_of(MetadataValue(item)));
      }
    }
  };
  std::visit(append, static_cast<const MetadataArrayVariant&>(*array));
  return items;
}

size_t length_of(const Json& value) { return value.is_array() ? value.size() : 1; }

size_t length_of(const MetadataValue& value) {
  const auto* array = std::get_if<MetadataArray>(&value);
  if (!array) return 1;
  return std::visit([](const auto& values) { return values.size(); }, static_cast<const MetadataArrayVariant&>(*array));
}

/// The items, of which there may be at most `max_count`: asked before they are copied.
template <class Value>
Items bounded_items(const Value& value, uint64_t max_count, const std::string& place) {
  if (length_of(value) > max_count)
    wrong(place, fmt::format("has {} values, at most {} are expected", length_of(value), max_count));
  return items_of(value);
}

/// One value a layer: a list must have exactly that many, a single value is repeated.
void spread_over_layers(Items& items, uint64_t layers, const std::string& place) {
  if (!items.is_list) items.values.resize(layers, Scalar(items.values.front()));
  if (items.values.size() != layers)
    wrong(place, fmt::format("has {} values, expected one for each of {} layers", items.values.size(), layers));
}

/// Calls `visit` with each alternative of "a|b" until it returns true.
template <class Visit>
void each_alternative(std::string_view names, const Visit& visit) {
  while (!names.empty()) {
    const size_t bar = names.find('|');
    if (visit(names.substr(0, bar))) return;
    names = bar == names.npos ? std::string_view{} : names.substr(bar + 1);
  }
}

/// Follows "a.b" through objects. A key that itself has dots is not used by any config.
const Json* descend(const Json& object, std::string_view path) {
  const Json* at = &object;
  while (true) {
    if (!at->is_object()) return nullptr;
    const size_t dot = path.find('.');
    const auto found = at->find(path.substr(0, dot));
    if (found == at->end() || found->is_null()) return nullptr;
    if (dot == path.npos) return &*found;
    at = &*found;
    path = path.substr(dot + 1);
  }
}

}  // namespace

ConfigReader::ConfigReader(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {
  if (is_gguf()) {
    architecture_ = std::string(checkpoint.get_string("general.architecture").value_or(""));
  } else {
    for (const std::string_view name : {"text_config", "llm_config", "language_config"}) {
      const Json* nested = descend(checkpoint.config(), name);
      if (nested && nested->is_object() && !language_model_) language_model_ = nested;
    }
    architecture_ = text_or({.hf = "model_type"}, "");
  }
  if (!is_plain_text(architecture_) || architecture_.size() > 64) {
    wrong(place({.gguf = "general.architecture", .hf = "model_type"}),
          fmt::format("is '{}', not a name", printable(architecture_)));
  }
}

ConfigReader::Found ConfigReader::find(const ConfigKey& key) const {
  return is_gguf() ? find_metadata(key.gguf) : find_json(key.hf);
}

ConfigReader::Found ConfigReader::find_metadata(std::string_view names) const {
  Found found;
  each_alternative(names, [&](std::string_view name) {
    std::string full(name);
    if (name.starts_with("{arch}")) full = architecture_ + std::string(name.substr(6));
    const auto place = checkpoint_.metadata().find(full);
    if (place == checkpoint_.metadata().end()) return false;
    found = {.name = std::move(full), .metadata = &place->second};
    return true;
  });
  return found;
}

ConfigReader::Found ConfigReader::find_json(std::string_view names) const {
  Found found;
  each_alternative(names, [&](std::string_view name) {
    const Json* value = language_model_ ? descend(*language_model_, name) : nullptr;
    if (!value) value = descend(checkpoint_.config(), name);
    if (value) found = {.name = std::string(name), .json = value};
    return value != nullptr;
  });
  return found;
}

std::string ConfigReader::place_of(std::string_view name) const {
  if (is_gguf()) return fmt::format("{}: metadata '{}'", checkpoint_.path().string(), name);
  return fmt::format("{}: '{}'", (checkpoint_.path() / "config.json").string(), name);
}

std::string ConfigReader::place(const ConfigKey& key) const {
  if (const Found found = find(key)) return place_of(found.name);
  std::string first(is_gguf() ? key.gguf : key.hf);
  first = first.substr(0, first.find('|'));
  if (is_gguf() && first.starts_with("{arch}")) first = architecture_ + first.substr(6);
  return place_of(first);
}

void ConfigReader::missing(const ConfigKey& key) const {
  if (checkpoint_.kind() == CheckpointKind::kSafetensors) {
    throw Error(Code::kUnsupported,
                fmt::format("{}: a .safetensors file alone has no configuration: open its folder, with config.json",
                            checkpoint_.path().string()));
  }
  throw Error(Code::kCorruptFile, fmt::format("{} is missing", place(key)));
}

bool ConfigReader::has(const ConfigKey& key) const { return static_cast<bool>(find(key)); }

std::optional<uint64_t> ConfigReader::find_uint(const ConfigKey& key, UintRange range) const {
  const Found found = find(key);
  if (!found) return std::nullopt;
  return checked_uint(found.json ? scalar_of(*found.json) : scalar_of(*found.metadata), range, place_of(found.name));
}

std::optional<double> ConfigReader::find_real(const ConfigKey& key, RealRange range) const {
  const Found found = find(key);
  if (!found) return std::nullopt;
  return checked_real(found.json ? scalar_of(*found.json) : scalar_of(*found.metadata), range, place_of(found.name),
                      !is_gguf());
}

std::optional<bool> ConfigReader::find_flag(const ConfigKey& key) const {
  const Found found = find(key);
  if (!found) return std::nullopt;
  return checked_flag(found.json ? scalar_of(*found.json) : scalar_of(*found.metadata), place_of(found.name));
}

std::optional<std::string> ConfigReader::find_text(const ConfigKey& key) const {
  const Found found = find(key);
  if (!found) return std::nullopt;
  return checked_text(found.json ? scalar_of(*found.json) : scalar_of(*found.metadata), place_of(found.name));
}

uint64_t ConfigReader::uint(const ConfigKey& key, UintRange range) const {
  if (const auto value = find_uint(key, range)) return *value;
  missing(key);
}

double ConfigReader::real(const ConfigKey& key, RealRange range) const {
  if (const auto value = find_real(key, range)) return *value;
  missing(key);
}

bool ConfigReader::flag(const ConfigKey& key) const {
  if (const auto value = find_flag(key)) return *value;
  missing(key);
}

std::string ConfigReader::text(const ConfigKey& key) const {
  if (auto value = find_text(key)) return *std::move(value);
  missing(key);
}

uint64_t ConfigReader::uint_or(const ConfigKey& key, uint64_t fallback, UintRange range) const {
  return find_uint(key, range).value_or(fallback);
}

double ConfigReader::real_or(const ConfigKey& key, double fallback, RealRange range) const {
  return find_real(key, range).value_or(fallback);
}

bool ConfigReader::flag_or(const ConfigKey& key, bool fallback) const { return find_flag(key).value_or(fallback); }

std::string ConfigReader::text_or(const ConfigKey& key, std::string_view fallback) const {
  return find_text(key).value_or(std::string(fallback));
}

std::vector<uint64_t> ConfigReader::uint_per_layer(const ConfigKey& key, uint64_t layers, UintRange range) const {
  const Found found = find(key);
  if (!found) return {};
  const std::string place = place_of(found.name);
  Items items = found.json ? bounded_items(*found.json, layers, place) : bounded_items(*found.metadata, layers, place);
  spread_over_layers(items, layers, place);
  std::vector<uint64_t> values;
  for (const Scalar& item : items.values) values.push_back(checked_uint(item, range, place));
  return values;
}

std::vector<bool> ConfigReader::flag_per_layer(const ConfigKey& key, uint64_t layers) const {
  const Found found = find(key);
  if (!found) return {};
  const std::string place = place_of(found.name);
  Items items = found.json ? bounded_items(*found.json, layers, place) : bounded_items(*found.metadata, layers, place);
  spread_over_layers(items, layers, place);
  std::vector<bool> values;
  for (const Scalar& item : items.values) values.push_back(checked_flag(item, place));
  return values;
}

std::vector<uint64_t> ConfigReader::uints(const ConfigKey& key, uint64_t max_count, UintRange range) const {
  const Found found = find(key);
  if (!found) return {};
  const std::string place = place_of(found.name);
  const Items items =
      found.json ? bounded_items(*found.json, max_count, place) : bounded_items(*found.metadata, max_count, place);
  std::vector<uint64_t> values;
  for (const Scalar& item : items.values) values.push_back(checked_uint(item, range, place));
  return values;
}

std::vector<double> ConfigReader::reals(const ConfigKey& key, uint64_t max_count, RealRange range) const {
  const Found found = find(key);
  if (!found) return {};
  const std::string place = place_of(found.name);
  const Items items =
      found.json ? bounded_items(*found.json, max_count, place) : bounded_items(*found.metadata, max_count, place);
  std::vector<double> values;
  for (const Scalar& item : items.values) values.push_back(checked_real(item, range, place, !is_gguf()));
  return values;
}

std::vector<std::string> ConfigReader::texts(const ConfigKey& key, uint64_t max_count) const {
  const Found found = find(key);
  if (!found) return {};
  const std::string place = place_of(found.name);
  const Items items =
      found.json ? bounded_items(*found.json, max_count, place) : bounded_items(*found.metadata, max_count, place);
  std::vector<std::string> values;
  for (const Scalar& item : items.values) values.push_back(checked_text(item, place));
  return values;
}

}  // namespace shenbi::formats
