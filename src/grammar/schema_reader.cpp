// Reads the keywords of JSON Schema into a shape. Annotations are passed over; everything else is known or refused by
// name: a keyword that we do not understand might have forbidden what we then would allow.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "grammar/schema_shape.h"

namespace shenbi::grammar {
namespace {

constexpr size_t kMaxDepth = 2 * limits::kMaxGrammarNesting;  // a nested object takes two levels of JSON
constexpr size_t kMaxHops = 100;  // references and allOf that lead from one schema to the next

[[noreturn]] void refuse(const std::string& path, std::string_view why, Code code = Code::kInvalidArgument) {
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

// Breadth and depth without recursion, so that what follows may recurse.
void check_size(const OrderedJson& root) {
  std::vector<std::pair<const OrderedJson*, size_t>> pending = {{&root, 0}};
  size_t count = 0;
  while (!pending.empty()) {
    const auto [value, depth] = pending.back();
    pending.pop_back();
    if (depth > kMaxDepth) {
      throw Error(Code::kInvalidArgument, fmt::format("schema: #: nested deeper than {} levels of JSON", kMaxDepth));
    }
    if (++count > limits::kMaxSchemaNodes) {
      throw Error(Code::kInvalidArgument, fmt::format("schema: #: more than {} values", limits::kMaxSchemaNodes));
    }
    if (!value->is_structured()) continue;
    for (const OrderedJson& child : *value) pending.emplace_back(&child, depth + 1);
  }
}

const std::unordered_set<std::string_view>& annotations() {
  static const std::unordered_set<std::string_view> keys = {"title",
                                                            "description",
                                                            "markdownDescription",
                                                            "default",
                                                            "example",
                                                            "examples",
                                                            "$schema",
                                                            "$comment",
                                                            "deprecated",
                                                            "readOnly",
                                                            "writeOnly",
                                                            "$defs",
                                                            "definitions",
                                                            "$vocabulary",
                                                            "contentEncoding",
                                                            "contentSchema",
                                                            "contentMediaType",
                                                            "discriminator",
                                                            "xml",
                                                            "externalDocs",
                                                            "enumNames",
                                                            "enumDescriptions",
                                                            "propertyOrdering",
                                                            "$anchor",
                                                            "nullable",
                                                            "$dynamicAnchor",
                                                            "order"};
  return keys;
}
bool is_annotation(std::string_view key) { return annotations().contains(key) || key.starts_with("x-"); }

const std::unordered_set<std::string_view>& refused_keywords() {
  static const std::unordered_set<std::string_view> keys = {"not",
                                                            "if",
                                                            "then",
                                                            "else",
                                                            "dependentSchemas",
                                                            "dependentRequired",
                                                            "dependencies",
                                                            "contains",
                                                            "minContains",
                                                            "maxContains",
                                                            "unevaluatedProperties",
                                                            "unevaluatedItems",
                                                            "$dynamicRef",
                                                            "$recursiveRef",
                                                            "$recursiveAnchor",
                                                            "additionalItems"};
  return keys;
}

uint64_t count_of(const OrderedJson& value, const std::string& path) {
  const double number = value.is_number() ? value.get<double>() : -1;
  if (!(number >= 0) || number != std::floor(number)) refuse(path, fmt::format("{} is not a count", short_dump(value)));
  return number >= 4e9 ? kUnbounded : static_cast<uint64_t>(number);
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

}  // namespace

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

SchemaReader::SchemaReader(const OrderedJson& root) : root_(root) { check_size(root); }

Shape SchemaReader::read(const std::vector<Source>& sources) const {
  Shape shape;
  if (!sources.empty()) shape.path = sources[0].path;
  for (const Source& source : sources) merge(source, shape, 0);
  return shape;
}

void SchemaReader::merge(const Source& source, Shape& shape, size_t hops) const {
  const OrderedJson& schema = *source.schema;
  if (schema.is_boolean()) {
    if (!schema.get<bool>()) shape.types = 0;
    return;
  }
  if (!schema.is_object()) {
    refuse(source.path, fmt::format("{} is not a schema (an object, true or false)", short_dump(schema)));
  }
  if (std::find(shape.open.begin(), shape.open.end(), &schema) != shape.open.end()) {
    refuse(source.path, "refers to itself without describing a value");
  }
  if (hops > kMaxHops) refuse(source.path, fmt::format("more than {} references and allOf in a row", kMaxHops));
  if (!shape.merged.insert(&schema).second) return;
  shape.open.push_back(&schema);
  merge_keywords(source, shape, hops);
  shape.open.pop_back();
}

void SchemaReader::merge_keywords(const Source& source, Shape& shape, size_t hops) const {
  auto object = std::make_shared<ObjectPart>();
  auto array = std::make_shared<ArrayPart>();
  bool has_object = false, has_array = false;
  for (auto item = source.schema->begin(); item != source.schema->end(); ++item) {
    const std::string& key = item.key();
    if (is_annotation(key)) continue;
    const std::string path = child_path(source.path, key);
    const OrderedJson& value = *item;
    if (read_scalar_keyword(key, value, source, path, shape)) continue;
    if (read_object_keyword(key, value, path, shape, *object)) {
      has_object = true;
    } else if (read_array_keyword(key, value, path, shape, *array)) {
      has_array = true;
    } else if (key == "$ref") {
      merge(target(value, path), shape, hops + 1);
    } else if (key == "allOf") {
      size_t index = 0;
      for (const OrderedJson& part : list_of(value, path)) {
        merge({&part, fmt::format("{}/{}", path, index++)}, shape, hops + 1);
      }
    } else if (key == "anyOf" || key == "oneOf") {
      auto alternatives = std::make_shared<std::vector<Source>>();
      for (const OrderedJson& part : list_of(value, path)) {
        alternatives->push_back({&part, fmt::format("{}/{}", path, alternatives->size())});
      }
      shape.disjunctions.push_back({std::move(alternatives), key == "oneOf", path, shape.open});
    } else if (key == "$id" || key == "id") {
      if (source.schema != &root_) refuse(path, "schemas with an identity of their own", Code::kUnsupported);
    } else if (refused_keywords().contains(key)) {
      refuse(path, "this keyword is not supported", Code::kUnsupported);
    } else {
      refuse(path, "unknown keyword");
    }
  }
  if (has_object) shape.objects.push_back(std::move(object));
  if (has_array) shape.arrays.push_back(std::move(array));
  if (shape.disjunctions.size() > limits::kMaxSchemaAlternatives) {
    refuse(source.path, fmt::format("more than {} anyOf and oneOf of one value", limits::kMaxSchemaAlternatives));
  }
}

std::vector<Shape> SchemaReader::decide(const Shape& shape) const {
  std::vector<Shape> decided, pending = {shape};
  size_t work = 0;
  while (!pending.empty()) {
    Shape next = std::move(pending.back());
    pending.pop_back();
    if (next.disjunctions.empty()) {
      decided.push_back(std::move(next));
      continue;
    }
    const Disjunction choice = std::move(next.disjunctions.back());
    next.disjunctions.pop_back();
    work += choice.alternatives->size();
    if (work > 4 * limits::kMaxSchemaAlternatives || decided.size() > limits::kMaxSchemaAlternatives) {
      refuse(choice.path, fmt::format("more than {} combinations of alternatives", limits::kMaxSchemaAlternatives),
             Code::kUnsupported);
    }
    for (size_t i = choice.alternatives->size(); i-- > 0;) {
      Shape branch = next;
      branch.open = choice.open;
      if (choice.exclusive) branch.exclusive.emplace_back(choice.path, i);
      merge((*choice.alternatives)[i], branch, 0);
      pending.push_back(std::move(branch));
    }
  }
  return decided;
}

Source SchemaReader::resolve(Source source) const {
  for (size_t hops = 0; source.schema->is_object(); ++hops) {
    const auto reference = source.schema->find("$ref");
    if (reference == source.schema->end()) break;
    for (auto item = source.schema->begin(); item != source.schema->end(); ++item) {
      if (item.key() != "$ref" && !is_annotation(item.key())) return source;
    }
    if (hops > kMaxHops) {
      refuse(source.path, fmt::format("more than {} references in a row, or one that leads back to itself", kMaxHops));
    }
    source = target(*reference, source.path + "/$ref");
  }
  return source;
}

Source SchemaReader::target(const OrderedJson& reference, const std::string& path) const {
  std::string pointer = string_of(reference, path);
  const auto id = root_.is_object() ? root_.find("$id") : root_.end();
  if (root_.is_object() && id != root_.end() && id->is_string() &&
      pointer.starts_with(id->get_ref<const std::string&>() + "#")) {
    pointer.erase(0, id->get_ref<const std::string&>().size());
  }
  if (pointer != "#" && !pointer.starts_with("#/")) {
    refuse(path, fmt::format("'{}' is not within the schema", pointer.substr(0, 100)), Code::kUnsupported);
  }
  const auto known = targets_.find(pointer);
  if (known != targets_.end()) return {known->second, pointer};

  const OrderedJson* at = &root_;
  for (size_t i = 1; i < pointer.size();) {
    const size_t end = std::min(pointer.find('/', i + 1), pointer.size());
    std::string key;
    for (size_t k = i + 1; k < end; ++k) {
      unsigned byte = 0;
      const char* hex = pointer.data() + k + 1;
      if (pointer[k] == '%' && k + 2 < end && std::from_chars(hex, hex + 2, byte, 16).ptr == hex + 2) {
        key += static_cast<char>(byte);
        k += 2;
      } else if (pointer[k] == '~' && k + 1 < end && (pointer[k + 1] == '0' || pointer[k + 1] == '1')) {
        key += pointer[++k] == '0' ? '~' : '/';
      } else {
        key += pointer[k];
      }
    }
    i = end;
    const OrderedJson* next = nullptr;
    if (at->is_object()) {
      auto& members = members_[at];
      if (members.empty()) {
        for (auto item = at->begin(); item != at->end(); ++item) members.emplace(item.key(), &*item);
      }
      const auto found = members.find(key);
      if (found != members.end()) next = found->second;
    } else if (at->is_array()) {
      size_t index = 0;
      const auto [last, failed] = std::from_chars(key.data(), key.data() + key.size(), index);
      if (failed == std::errc{} && last == key.data() + key.size() && index < at->size()) next = &(*at)[index];
    }
    if (next == nullptr) refuse(path, fmt::format("'{}' leads nowhere", sanitize_utf8(pointer.substr(0, 100))));
    at = next;
  }
  targets_[pointer] = at;
  return {at, pointer};
}

}  // namespace shenbi::grammar
