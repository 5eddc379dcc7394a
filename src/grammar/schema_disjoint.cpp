#include "grammar/schema_disjoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "grammar/schema_keywords.h"

namespace shenbi::grammar {
namespace {

constexpr size_t kMaxProofDepth = 4;         // how deep a property that tells two objects apart may lie
constexpr size_t kMaxProofSteps = 1u << 21;  // shapes, values and required names looked at; then nothing is proven

size_t length_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

bool is_false(const Source& source) { return source.schema->is_boolean() && !source.schema->get<bool>(); }

}  // namespace

std::vector<TextConstraint> text_constraints(const Shape& shape) {
  std::vector<TextConstraint> all;
  for (const auto& [pattern, path] : shape.patterns) {
    all.push_back({parse_pattern(pattern, "schema: " + path), true, "schema: " + path});
  }
  for (const auto& [format, path] : shape.formats) {
    all.push_back({parse_pattern(*format_pattern(format), "schema: " + path), false, "schema: " + path});
  }
  return all;
}

std::optional<TextAutomaton> text_automaton(const Shape& shape) {
  std::optional<TextAutomaton> all;
  const auto add = [&](const TextAutomaton& next) { all = all ? *all & next : next; };
  for (const auto& [pattern, search, where] : text_constraints(shape)) add(TextAutomaton::of(pattern, search, where));
  if (shape.min_length == 0 && shape.max_length == kUnbounded) return all;
  if (shape.min_length > limits::kMaxGrammarRepeat ||
      (shape.max_length != kUnbounded && shape.max_length > limits::kMaxGrammarRepeat)) {
    refuse(shape.path, fmt::format("a length over {} with a pattern", limits::kMaxGrammarRepeat), Code::kUnsupported);
  }
  add(TextAutomaton::of(
      Pattern::length(static_cast<uint32_t>(shape.min_length), static_cast<uint32_t>(shape.max_length)), false,
      "schema: " + shape.path));
  return all;
}

TextCheck::TextCheck(const Shape& shape) : min_(shape.min_length), max_(shape.max_length) {
  if (!shape.patterns.empty() || !shape.formats.empty()) {
    Shape without_length = shape;
    without_length.min_length = 0;
    without_length.max_length = kUnbounded;
    automaton_ = text_automaton(without_length);
  }
}

bool TextCheck::fits(std::string_view text) const {
  const size_t length = length_of(text);
  return length >= min_ && (max_ == kUnbounded || length <= max_) && (!automaton_ || automaton_->matches(text));
}

bool scalar_fits(const OrderedJson& value, const Shape& shape, const TextCheck& check) {
  if (value.is_string()) return check.fits(value.get_ref<const std::string&>());
  if (!value.is_number() || shape.number.plain()) return true;
  bool rounded = false;
  const auto scaled = parse_scaled(value.dump(), rounded);
  return scaled && !rounded && shape.number.contains(*scaled);
}

ObjectNames::ObjectNames(const SchemaReader& reader, const Shape& shape) {
  std::unordered_set<std::string_view> required, seen;
  std::vector<std::string_view> order;
  bool declared = false, says_additional = false, forbidden = false;
  std::optional<Shape> names_shape;
  std::vector<Source> names_sources;
  for (const auto& part : shape.objects) {
    declared = declared || !part->properties.empty();
    says_additional = says_additional || part->additional || part->pattern;
    forbidden = forbidden || (part->additional && is_false(*part->additional) && !part->pattern);
    for (const std::string& name : part->required) required.insert(name);
    for (const auto& [name, source] : part->properties) {
      if (seen.insert(name).second) order.push_back(name);
    }
    if (part->names) names_sources.push_back(*part->names);
  }
  for (const auto& part : shape.objects) {
    for (const std::string& name : part->required) {
      if (seen.insert(name).second) order.push_back(name);
    }
    if (part->pattern && (!order.empty() || shape.objects.size() > 1)) {
      refuse(part->pattern->first.path, "patternProperties beside other properties", Code::kUnsupported);
    }
    if (part->pattern && !(part->additional && is_false(*part->additional))) {
      refuse(part->pattern->first.path, "patternProperties without additionalProperties: false", Code::kUnsupported);
    }
  }
  if (!names_sources.empty()) {
    names_shape = reader.read(names_sources);
    if (!names_shape->disjunctions.empty()) {
      refuse(names_shape->path, "propertyNames with anyOf or oneOf", Code::kUnsupported);
    }
    if (names_shape->values) {
      std::vector<std::string> texts;
      for (const OrderedJson* value : *names_shape->values) {
        if (value->is_string()) texts.push_back(value->get<std::string>());
      }
      names_ = TextAutomaton::of(Pattern::texts(texts), false, "schema: " + names_shape->path);
    }
    if (const auto automaton = text_automaton(*names_shape)) names_ = names_ ? *names_ & *automaton : *automaton;
    if ((names_shape->types & kString) == 0) names_ = TextAutomaton{{TextAutomaton::State{}}};
  }

  for (const std::string_view name : order) {
    Member member{std::string(name), required.contains(name), {}};
    bool possible = !names_ || names_->matches(name);
    for (const auto& part : shape.objects) {
      const auto found = part->index.find(name);
      if (found != part->index.end()) {
        member.sources.push_back(part->properties[found->second].second);
      } else if (part->additional) {
        member.sources.push_back(*part->additional);
      }
    }
    possible = possible && std::none_of(member.sources.begin(), member.sources.end(), is_false);
    taken_.push_back(member.name);
    if (possible) {
      members_.push_back(std::move(member));
    } else if (member.required) {
      impossible_ = true;
    }
  }

  for (const auto& part : shape.objects) {
    if (part->pattern) {
      additional_.push_back(part->pattern->first);
      const auto automaton =
          TextAutomaton::of(parse_pattern(part->pattern->second, "schema: " + part->pattern->first.path), true,
                            "schema: " + part->pattern->first.path);
      names_ = names_ ? *names_ & automaton : automaton;
    } else if (part->additional) {
      additional_.push_back(*part->additional);
    }
  }
  open_ = !forbidden && (says_additional || (!declared && required.empty()));
}

std::optional<TextAutomaton> ObjectNames::additional_names() const {
  if (taken_.empty()) return names_;
  const TextAutomaton others = TextAutomaton::except(taken_);
  return names_ ? *names_ & others : others;
}

namespace {

class Proof {
 public:
  explicit Proof(const SchemaReader& reader) : reader_(reader) {}

  // True only if no value fits both.
  bool disjoint(const Shape& a, const Shape& b, size_t depth) {
    if (++steps_ > kMaxProofSteps) return false;
    const uint8_t common = a.types & b.types;
    if (common == 0) return true;
    for (const Shape* shape : {&a, &b}) {
      if (shape->values) steps_ += shape->values->size();
      for (const auto& part : shape->objects) steps_ += 1 + part->required.size();
    }
    if (a.values || b.values) return values_disjoint(a, b);
    if ((common & (kInteger | kFraction)) && !numbers_disjoint(a, b)) return false;
    if ((common & kString) && !(a.min_length > b.max_length || b.min_length > a.max_length)) return false;
    if ((common & kArray) && !(a.min_items > b.max_items || b.min_items > a.max_items)) return false;
    if ((common & kObject) && !objects_disjoint(a, b, depth)) return false;
    return (common & (kNull | kBoolean)) == 0;
  }

 private:
  static bool numbers_disjoint(const Shape& a, const Shape& b) {
    const auto above = [](const auto& min, const auto& max) { return min && max && *min > *max; };
    return above(a.number.min, b.number.max) || above(b.number.min, a.number.max);
  }

  // Each value of the one must fail the other; of structured values only equality is looked at.
  static bool values_disjoint(const Shape& a, const Shape& b) {
    const Shape &listed = a.values ? a : b, &other = a.values ? b : a;
    std::unordered_set<std::string> others;
    if (other.values) {
      for (const OrderedJson* value : *other.values) others.insert(canonical_text(*value));
    }
    const TextCheck check(other);
    return std::none_of(listed.values->begin(), listed.values->end(), [&](const OrderedJson* value) {
      const uint8_t type = type_of(*value);
      return (type & listed.types & other.types) && scalar_fits(*value, other, check) &&
             (!other.values || others.contains(canonical_text(*value)));
    });
  }

  // A name that both must have with values that exclude each other, or that one must and the other cannot have.
  bool objects_disjoint(const Shape& a, const Shape& b, size_t depth) {
    if (depth > kMaxProofDepth) return false;
    const ObjectView one(a), two(b);
    for (const std::string_view name : one.required) {
      if (two.forbids(name)) return true;
      if (two.required.contains(name) && members_disjoint(one.sources(name), two.sources(name), depth)) return true;
    }
    return std::any_of(two.required.begin(), two.required.end(),
                       [&](std::string_view name) { return one.forbids(name); });
  }

  struct ObjectView {
    explicit ObjectView(const Shape& shape) : shape(shape) {
      for (const auto& part : shape.objects) required.insert(part->required.begin(), part->required.end());
    }
    std::vector<Source> sources(std::string_view name) const {
      std::vector<Source> all;
      for (const auto& part : shape.objects) {
        const auto found = part->index.find(name);
        if (found != part->index.end()) {
          all.push_back(part->properties[found->second].second);
        } else if (part->additional && !part->pattern) {
          all.push_back(*part->additional);
        }
      }
      return all;
    }
    bool forbids(std::string_view name) const {
      const auto all = sources(name);
      return std::any_of(all.begin(), all.end(), is_false);
    }
    const Shape& shape;
    std::unordered_set<std::string_view> required;
  };

  bool members_disjoint(const std::vector<Source>& a, const std::vector<Source>& b, size_t depth) {
    if (a.empty() || b.empty()) return false;
    steps_ += 64;  // reading schemas costs more than looking at shapes
    const auto ones = reader_.decide(reader_.read(a)), twos = reader_.decide(reader_.read(b));
    return std::all_of(ones.begin(), ones.end(), [&](const Shape& one) {
      return std::all_of(twos.begin(), twos.end(), [&](const Shape& two) { return disjoint(one, two, depth + 1); });
    });
  }

  const SchemaReader& reader_;
  size_t steps_ = 0;
};

}  // namespace

void check_disjoint(const SchemaReader& reader, const std::vector<Shape>& decided) {
  if (std::all_of(decided.begin(), decided.end(), [](const Shape& s) { return s.exclusive.empty(); })) return;
  Proof proof(reader);
  for (size_t i = 0; i < decided.size(); ++i) {
    for (size_t j = i + 1; j < decided.size(); ++j) {
      for (const auto& [path, branch] : decided[i].exclusive) {
        for (const auto& [other_path, other] : decided[j].exclusive) {
          if (path != other_path || branch == other || proof.disjoint(decided[i], decided[j], 0)) continue;
          refuse(path,
                 fmt::format("branches {} and {} may both hold; use anyOf, or a property that tells them apart", branch,
                             other),
                 Code::kUnsupported);
        }
      }
    }
  }
}

}  // namespace shenbi::grammar
