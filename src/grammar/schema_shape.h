#pragma once
// What a JSON Schema says about one value, gathered from all places that speak of it: the schema, its $ref, its allOf
// and the chosen branches of its anyOf and oneOf. Keywords of different places add up, so `allOf` is no more than
// reading on.

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grammar/number_rules.h"
#include "grammar/pattern.h"

namespace shenbi::grammar {

using OrderedJson = nlohmann::ordered_json;

enum Types : uint8_t {
  kNull = 1,
  kBoolean = 2,
  kInteger = 4,
  kFraction = 8,  ///< numbers that are not whole; "number" is both
  kString = 16,
  kObject = 32,
  kArray = 64,
  kAllTypes = 127,
};
Types type_of(const OrderedJson& value);
/// Equal for equal values, whatever the order of members and however whole numbers are written.
std::string canonical_text(const OrderedJson& value);

/// A schema and how to name it in messages.
struct Source {
  const OrderedJson* schema = nullptr;
  std::string path;  ///< "#/properties/a"
};

struct ObjectPart {  ///< the keywords of one schema object, which speak of each other
  std::vector<std::pair<std::string, Source>> properties;
  std::unordered_map<std::string_view, size_t> index;  ///< of properties, by the schema's own strings
  std::vector<std::string> required;
  std::optional<Source> additional;
  std::optional<std::pair<Source, std::string>> pattern;  ///< patternProperties: value and pattern
  std::optional<Source> names;
};

struct ArrayPart {
  std::vector<Source> prefix;
  std::optional<Source> items;
};

struct Disjunction {
  std::shared_ptr<const std::vector<Source>> alternatives;
  bool exclusive = false;  ///< oneOf
  std::string path;
  std::vector<const OrderedJson*> open;  ///< the schemas that it stands in
};

/// Cheap to copy: what may be large is shared.
struct Shape {
  std::string path;  ///< where the value is described first
  uint8_t types = kAllTypes;
  uint8_t mentioned = 0;                                          ///< types that keywords speak of
  bool typed = false;                                             ///< some schema has "type"
  std::shared_ptr<const std::vector<const OrderedJson*>> values;  ///< of enum and const
  uint64_t min_length = 0, max_length = kUnbounded;
  std::vector<std::pair<std::string, std::string>> patterns, formats;  ///< with their paths
  NumberBounds number;
  std::vector<std::shared_ptr<const ObjectPart>> objects;
  uint64_t min_properties = 0, max_properties = kUnbounded;
  std::vector<std::shared_ptr<const ArrayPart>> arrays;
  uint64_t min_items = 0, max_items = kUnbounded;
  std::vector<Disjunction> disjunctions;                  ///< not yet decided
  std::vector<std::pair<std::string, size_t>> exclusive;  ///< the branches of oneOf that this shape is of, by path

  std::set<const OrderedJson*> merged;   ///< schemas that were read
  std::vector<const OrderedJson*> open;  ///< schemas being read: met again, one refers to itself

  bool has_structure() const {
    return !objects.empty() || !arrays.empty() || min_items > 0 || max_items != kUnbounded || min_properties > 0 ||
           max_properties != kUnbounded;
  }
  bool has_texts() const { return min_length > 0 || max_length != kUnbounded || !patterns.empty() || !formats.empty(); }
};

class SchemaReader {
 public:
  /// Keeps a reference. Throws if the schema is too deep or too large.
  explicit SchemaReader(const OrderedJson& root);

  /// What the sources say together. Throws Error{kInvalidArgument} or {kUnsupported} "schema: <path>: ...".
  Shape read(const std::vector<Source>& sources) const;
  /// The shapes with every disjunction decided, in order. At most limits::kMaxSchemaAlternatives.
  std::vector<Shape> decide(const Shape& shape) const;
  /// Follows references of schemas that are nothing else.
  Source resolve(Source source) const;

 private:
  void merge(const Source& source, Shape& shape, size_t hops) const;
  void merge_keywords(const Source& source, Shape& shape, size_t hops) const;
  Source target(const OrderedJson& reference, const std::string& path) const;

  const OrderedJson& root_;
  mutable std::unordered_map<std::string, const OrderedJson*> targets_;
  mutable std::unordered_map<const OrderedJson*, std::unordered_map<std::string_view, const OrderedJson*>> members_;
};

/// The pattern for a "format" of strings; nothing if we do not know it.
std::optional<std::string_view> format_pattern(std::string_view format);

}  // namespace shenbi::grammar
