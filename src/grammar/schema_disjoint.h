#pragma once
// Questions about shapes that do not need rules: which values fit, which names an object may have, whether two shapes
// exclude each other.

#include <optional>
#include <string>
#include <vector>

#include "grammar/schema_shape.h"

namespace shenbi::grammar {

struct TextConstraint {
  Pattern pattern;
  bool search;
  std::string where;
};
/// The patterns and formats of the shape's strings.
std::vector<TextConstraint> text_constraints(const Shape& shape);
/// The strings that fit patterns, formats and lengths; nothing if every string does.
std::optional<TextAutomaton> text_automaton(const Shape& shape);

/// Which strings fit a shape; made once for many.
class TextCheck {
 public:
  explicit TextCheck(const Shape& shape);
  bool fits(std::string_view text) const;

 private:
  uint64_t min_, max_;
  std::optional<TextAutomaton> automaton_;
};

/// A null, boolean, number or string fits bounds, lengths and patterns of the shape (its type was looked at before).
bool scalar_fits(const OrderedJson& value, const Shape& shape, const TextCheck& check);

/// What names the members of an object may have.
class ObjectNames {
 public:
  struct Member {
    std::string name;
    bool required;
    std::vector<Source> sources;
  };
  ObjectNames(const SchemaReader& reader, const Shape& shape);

  const std::vector<Member>& members() const { return members_; }  ///< in order, without those that cannot be
  bool impossible() const { return impossible_; }                  ///< a required member cannot be
  bool open() const { return open_; }                              ///< other names are allowed
  std::vector<Source> additional_sources() const { return additional_; }
  /// The names that are left for additional members; nothing if any string is.
  std::optional<TextAutomaton> additional_names() const;

 private:
  std::vector<Member> members_;
  std::vector<std::string> taken_;
  std::vector<Source> additional_;
  std::optional<TextAutomaton> names_;
  bool open_ = false, impossible_ = false;
};

/// Throws Error{kUnsupported} naming a oneOf of which two branches are not known to exclude each other.
void check_disjoint(const SchemaReader& reader, const std::vector<Shape>& decided);

}  // namespace shenbi::grammar
