// Reads the keywords of JSON Schema into a shape. Annotations are passed over; everything else is known or refused by
// name: a keyword that we do not understand might have forbidden what we then would allow.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "grammar/schema_keywords.h"
#include "grammar/schema_shape.h"

namespace shenbi::grammar {
namespace {

constexpr size_t kMaxDepth = 2 * limits::kMaxGrammarNesting;  // a nested object takes two levels of JSON
constexpr size_t kMaxHops = 100;  // references and allOf that lead from one schema to the next

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

}  // namespace

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
  if (shape.merged.size() > limits::kMaxSchemaAlternatives) {
    refuse(source.path, fmt::format("more than {} schemas for one value", limits::kMaxSchemaAlternatives));
  }
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
