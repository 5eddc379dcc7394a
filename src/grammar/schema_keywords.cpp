// The keywords that speak of one value, one by one.

#include "grammar/schema_keywords.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "base/utf8.h"

namespace shenbi::grammar {

void refuse(const std::string& path, std::string_view why, Code code) {
  throw Error(code, fmt::format("schema: {}: {}", path, why));
}

std::string short_dump(const OrderedJson& value) {
  if (value.is_structured()) return value.is_object() ? "an object" : "an array";
  std::string text = value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  if (text.size() <= 60) return text;
  text.resize(60);
  text.resize(text.size() - incomplete_utf8_tail(text));
  return text + "...";
}

std::string child_path(const std::string& path, std::string_view key) {
  std::string out = path + "/";
  for (const char c : key.substr(0, 100)) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return sanitize_utf8(out);
}

const std::string& string_of(const OrderedJson& value, const std::string& path) {
  if (!value.is_string()) refuse(path, fmt::format("{} is not a string", short_dump(value)));
  const auto& text = value.get_ref<const std::string&>();
  if (!is_valid_utf8(text)) refuse(path, "not UTF-8");
  return text;
}

const OrderedJson& list_of(const OrderedJson& value, const std::string& path) {
  if (!value.is_array() || value.empty()) refuse(path, fmt::format("{} is not a list with entries", short_dump(value)));
  return value;
}

namespace {

uint64_t count_of(const OrderedJson& value, const std::string& path) {
  const double number = value.is_number() ? value.get<double>() : -1;
  if (!(number >= 0) || number != std::floor(number)) refuse(path, fmt::format("{} is not a count", short_dump(value)));
  return number >= 4e9 ? kUnbounded : static_cast<uint64_t>(number);
}

uint8_t type_named(const OrderedJson& value, const std::string& path) {
  static const std::unordered_map<std::string_view, int> types = {
      {"null", kNull},     {"boolean", kBoolean}, {"integer", kInteger}, {"number", kInteger | kFraction},
      {"string", kString}, {"object", kObject},   {"array", kArray}};
  const auto found = value.is_string() ? types.find(value.get_ref<const std::string&>()) : types.end();
  if (found == types.end()) refuse(path, fmt::format("{} is not a type", short_dump(value)));
  return static_cast<uint8_t>(found->second);
}

void read_type(const OrderedJson& schema, const OrderedJson& value, const std::string& path, Shape& shape) {
  uint8_t types = 0;
  if (value.is_array()) {
    for (const OrderedJson& type : list_of(value, path)) types |= type_named(type, path);
  } else {
    types = type_named(value, path);
  }
  const auto nullable = schema.find("nullable");
  if (nullable != schema.end() && nullable->is_boolean() && nullable->get<bool>()) types |= kNull;
  shape.types &= types;
  shape.typed = true;
}

// A bound beyond all numbers that we write forbids all of them or none; none, but then numbers with an exponent must
// not be written either, so it stays a bound.
void read_bound(const std::string& key, const OrderedJson& value, const std::string& path, Shape& shape) {
  if (!value.is_number()) refuse(path, fmt::format("{} is not a number", short_dump(value)));
  const std::string text = value.dump();
  if (value.is_number_float() && !std::isfinite(value.get<double>())) refuse(path, "not a finite number");
  const bool exclusive = key.starts_with("exclusive"), is_min = key.ends_with("inimum");
  const bool negative = text.starts_with('-');
  bool rounded = false;
  const auto scaled = parse_scaled(text, rounded);
  auto& bound = is_min ? shape.number.min : shape.number.max;
  shape.mentioned |= kInteger | kFraction;
  if (!scaled && is_min != negative) {
    shape.types &= static_cast<uint8_t>(~(kInteger | kFraction));
    return;
  }
  // Dropped digits were dropped towards zero, which is the wrong way for a positive minimum or a negative maximum.
  Scaled inside = scaled.value_or(negative ? -kLargestScaled : kLargestScaled);
  if (rounded ? is_min != negative : exclusive && scaled) inside += is_min ? 1 : -1;
  if (!bound || (is_min ? inside > *bound : inside < *bound)) bound = inside;
}

void read_multiple(const OrderedJson& value, const std::string& path, Shape& shape) {
  bool rounded = false;
  const auto scaled = value.is_number() ? parse_scaled(value.dump(), rounded) : Scaled{0};
  if (scaled && !rounded && *scaled <= 0) refuse(path, fmt::format("{} is not a positive number", short_dump(value)));
  if (!scaled || rounded) refuse(path, fmt::format("{} has too many digits", short_dump(value)), Code::kUnsupported);
  shape.mentioned |= kInteger | kFraction;
  Scaled& multiple = shape.number.multiple;
  if (multiple == 0) {
    multiple = *scaled;
    return;
  }
  Scaled a = multiple, b = *scaled;
  while (b != 0) a = std::exchange(b, a % b);
  if (__builtin_mul_overflow(multiple / a, *scaled, &multiple)) refuse(path, "has too many digits", Code::kUnsupported);
}

void read_format(const std::string& format, const std::string& path, Shape& shape) {
  const auto whole = [&](Scaled low, Scaled high) {
    for (int i = 0; i < static_cast<int>(kPlaces); ++i) low *= 10, high *= 10;
    auto& n = shape.number;
    n.min = n.min ? std::max(*n.min, low) : low;
    n.max = n.max ? std::min(*n.max, high) : high;
    shape.mentioned |= kInteger | kFraction;
  };
  if (format == "int32") return whole(INT32_MIN, INT32_MAX);
  if (format == "int64") return whole(INT64_MIN, INT64_MAX);
  if (format == "uint32") return whole(0, UINT32_MAX);
  if (format == "uint64") return whole(0, static_cast<Scaled>(UINT64_MAX));
  if (format == "float" || format == "double" || format == "number") return;
  if (!format_pattern(format)) refuse(path, fmt::format("format '{}'", format.substr(0, 40)), Code::kUnsupported);
  shape.mentioned |= kString;
  shape.formats.emplace_back(format, path);
}

// As text that is equal for equal values, whatever the order of members and however whole numbers are written.
std::string canonical(const OrderedJson& value) {
  if (value.is_number_float() && value.get<double>() == std::floor(value.get<double>()) &&
      std::abs(value.get<double>()) < 9e15) {
    return std::to_string(static_cast<int64_t>(value.get<double>()));
  }
  if (!value.is_structured()) return value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  std::vector<std::string> parts;
  for (auto item = value.begin(); item != value.end(); ++item) {
    parts.push_back((value.is_object()
                         ? OrderedJson(item.key()).dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + ":"
                         : "") +
                    canonical(*item));
  }
  if (value.is_object()) std::sort(parts.begin(), parts.end());
  std::string text = value.is_object() ? "{" : "[";
  for (const std::string& part : parts) text += part + ",";
  return text + (value.is_object() ? "}" : "]");
}

void read_values(std::vector<const OrderedJson*> values, Shape& shape) {
  if (shape.values) {
    std::unordered_set<std::string> allowed;
    for (const OrderedJson* value : *shape.values) allowed.insert(canonical(*value));
    std::erase_if(values, [&](const OrderedJson* value) { return !allowed.contains(canonical(*value)); });
  }
  shape.values = std::make_shared<const std::vector<const OrderedJson*>>(std::move(values));
}

// --- keywords of objects and arrays, which are kept together by the schema they stand in ---

const OrderedJson& object_of(const OrderedJson& value, const std::string& path) {
  if (!value.is_object()) refuse(path, fmt::format("{} is not an object", short_dump(value)));
  return value;
}

void read_properties(const OrderedJson& value, const std::string& path, ObjectPart& object) {
  for (auto item = object_of(value, path).begin(); item != value.end(); ++item) {
    object.index.emplace(item.key(), object.properties.size());
    object.properties.emplace_back(item.key(), Source{&*item, child_path(path, item.key())});
  }
}

}  // namespace

bool read_object_keyword(const std::string& key, const OrderedJson& value, const std::string& path, Shape& shape,
                         ObjectPart& object) {
  if (key == "properties") {
    read_properties(value, path, object);
  } else if (key == "required") {
    if (!value.is_array()) refuse(path, fmt::format("{} is not a list", short_dump(value)));
    for (const OrderedJson& name : value) object.required.push_back(string_of(name, path));
  } else if (key == "additionalProperties") {
    object.additional = Source{&value, path};
  } else if (key == "propertyNames") {
    object.names = Source{&value, path};
  } else if (key == "patternProperties") {
    if (object_of(value, path).size() > 1) refuse(path, "more than one pattern", Code::kUnsupported);
    for (auto item = value.begin(); item != value.end(); ++item) {
      object.pattern.emplace(Source{&*item, child_path(path, item.key())}, item.key());
    }
  } else if (key == "minProperties") {
    shape.min_properties = std::max(shape.min_properties, count_of(value, path));
  } else if (key == "maxProperties") {
    shape.max_properties = std::min(shape.max_properties, count_of(value, path));
  } else {
    return false;
  }
  shape.mentioned |= kObject;
  return true;
}

bool read_array_keyword(const std::string& key, const OrderedJson& value, const std::string& path, Shape& shape,
                        ArrayPart& array) {
  if (key == "items") {
    if (value.is_array()) refuse(path, "a list of schemas; use prefixItems", Code::kUnsupported);
    array.items = Source{&value, path};
  } else if (key == "prefixItems") {
    for (const OrderedJson& item : list_of(value, path)) {
      array.prefix.push_back({&item, fmt::format("{}/{}", path, array.prefix.size())});
    }
  } else if (key == "minItems") {
    shape.min_items = std::max(shape.min_items, count_of(value, path));
  } else if (key == "maxItems") {
    shape.max_items = std::min(shape.max_items, count_of(value, path));
  } else if (key == "uniqueItems") {
    if (!value.is_boolean()) refuse(path, fmt::format("{} is not true or false", short_dump(value)));
    if (value.get<bool>()) refuse(path, "items that must differ", Code::kUnsupported);
    return true;
  } else {
    return false;
  }
  shape.mentioned |= kArray;
  return true;
}

bool read_scalar_keyword(const std::string& key, const OrderedJson& value, const Source& source,
                         const std::string& path, Shape& shape) {
  if (key == "type") {
    read_type(*source.schema, value, path, shape);
  } else if (key == "enum") {
    std::vector<const OrderedJson*> values;
    for (const OrderedJson& v : list_of(value, path)) values.push_back(&v);
    read_values(std::move(values), shape);
  } else if (key == "const") {
    read_values({&value}, shape);
  } else if (key == "minLength") {
    shape.min_length = std::max(shape.min_length, count_of(value, path));
    shape.mentioned |= kString;
  } else if (key == "maxLength") {
    shape.max_length = std::min(shape.max_length, count_of(value, path));
    shape.mentioned |= kString;
  } else if (key == "pattern") {
    shape.patterns.emplace_back(string_of(value, path), path);
    shape.mentioned |= kString;
  } else if (key == "format") {
    read_format(string_of(value, path), path, shape);
  } else if (key == "minimum" || key == "maximum" || key == "exclusiveMinimum" || key == "exclusiveMaximum") {
    read_bound(key, value, path, shape);
  } else if (key == "multipleOf") {
    read_multiple(value, path, shape);
  } else {
    return false;
  }
  return true;
}

Types type_of(const OrderedJson& value) {
  if (value.is_null()) return kNull;
  if (value.is_boolean()) return kBoolean;
  if (value.is_string()) return kString;
  if (value.is_object()) return kObject;
  if (value.is_array()) return kArray;
  const bool whole = value.is_number_integer() || value.get<double>() == std::floor(value.get<double>());
  return whole ? kInteger : kFraction;
}

std::string canonical_text(const OrderedJson& value) { return canonical(value); }

}  // namespace shenbi::grammar
