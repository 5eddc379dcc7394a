// Each value that the schema describes becomes one rule, found again by the schemas that describe it; so recursive
// schemas are recursive rules, and no schema is written out twice.
//
// Where JSON Schema leaves the form open, the grammar takes one form (a part of what is valid, never more):
//   - members come in the order of `properties`, then required ones that have no schema, then additional ones,
//   - an object with `properties` has additional members only if additionalProperties says so in words,
//   - a tuple (prefixItems) has more items only if `items` says so or minItems asks for them,
//   - a schema without `type` whose keywords speak of some types describes values of those types.

#include "grammar/schema_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "grammar/json_rules.h"
#include "grammar/number_rules.h"
#include "grammar/schema_disjoint.h"
#include "grammar/schema_keywords.h"
#include "grammar/schema_shape.h"

namespace shenbi::grammar {
namespace {

uint32_t repeat_count(uint64_t count, const std::string& path, std::string_view keyword) {
  if (count == kUnbounded) return kUnbounded;
  if (count > limits::kMaxGrammarRepeat) {
    refuse(path, fmt::format("{} is over {}", keyword, limits::kMaxGrammarRepeat), Code::kUnsupported);
  }
  return static_cast<uint32_t>(count);
}

class Compiler {
 public:
  Compiler(const OrderedJson& schema, std::string name) : reader_(schema), json_(rules_), name_(std::move(name)) {
    rules_.start = rule_of({{&schema, "#"}});
  }

  Rules compile() {
    for (size_t i = 0; i < pending_.size(); ++i) {
      const auto [rule, sources] = pending_[i];
      rules_.define(rule, value_of(reader_.read(sources)));
      pending_[i].second.clear();
    }
    report_impossible();
    return std::move(rules_);
  }

 private:
  using Sources = std::vector<Source>;

  ExprId value(const Sources& sources) { return rules_.call(rule_of(sources)); }

  RuleId rule_of(Sources sources) {
    for (Source& source : sources) source = reader_.resolve(std::move(source));
    std::vector<const OrderedJson*> key;
    for (const Source& source : sources) key.push_back(source.schema);
    std::sort(key.begin(), key.end());
    key.erase(std::unique(key.begin(), key.end()), key.end());
    const auto [at, fresh] = rule_ids_.try_emplace(std::move(key), 0);
    if (fresh) {
      at->second = rules_.declare(pending_.empty() ? name_ : "schema");
      pending_.emplace_back(at->second, std::move(sources));
      paths_.emplace(at->second, pending_.back().second.empty() ? "#" : pending_.back().second[0].path);
    }
    return at->second;
  }

  // A schema that no value fits is a mistake worth its place; an alternative or optional member that cannot be is not.
  void report_impossible() const {
    const std::vector<bool> possible = productive_exprs(rules_);
    RuleId rule = rules_.start;
    if (possible[rules_.all[rule].body]) return;
    for (const auto& [other, path] : paths_) {
      const ExprId body = rules_.all[other].body;
      if (body == kNoExpr || !possible[body]) rule = other;  // the last: the deepest of those met first
    }
    refuse(paths_.at(rule), "no finite value fits");
  }

  ExprId value_of(const Shape& shape) {
    const bool anything_else = shape.typed || shape.values || shape.mentioned != 0 || shape.types != kAllTypes;
    if (shape.disjunctions.empty()) return decided_value(shape);
    const std::vector<Disjunction>& all = shape.disjunctions;
    if (all.size() == 1 && !anything_else) {
      if (all[0].exclusive) check_disjoint(reader_, reader_.decide(shape));
      std::vector<ExprId> alternatives;
      for (const Source& source : *all[0].alternatives) alternatives.push_back(value({source}));
      return rules_.choice(std::move(alternatives));
    }
    const std::vector<Shape> decided = reader_.decide(shape);
    check_disjoint(reader_, decided);
    std::vector<ExprId> alternatives;
    for (const Shape& alternative : decided) alternatives.push_back(decided_value(alternative));
    return rules_.choice(std::move(alternatives));
  }

  ExprId decided_value(const Shape& shape) {
    if (shape.values) return constants(shape);
    uint8_t types = shape.types;
    if (!shape.typed && shape.mentioned != 0) types &= shape.mentioned;
    const bool bare = !shape.has_structure() && !shape.has_texts() && shape.number.plain();
    if (types == kAllTypes && bare) return json_.value();
    std::vector<ExprId> all;
    if (types & kObject) all.push_back(object(shape));
    if (types & kArray) all.push_back(array(shape));
    if (types & kString) all.push_back(text(shape));
    if (types & (kInteger | kFraction)) all.push_back(number(shape, !(types & kFraction)));
    if (types & kBoolean) all.insert(all.end(), {rules_.literal("true"), rules_.literal("false")});
    if (types & kNull) all.push_back(rules_.literal("null"));
    return rules_.choice(std::move(all));
  }

  // --- enum and const ---

  ExprId constants(const Shape& shape) {
    std::vector<ExprId> all;
    const TextCheck check(shape);
    for (const OrderedJson* value : *shape.values) {
      if ((type_of(*value) & shape.types) == 0) continue;
      if (value->is_structured() && shape.has_structure()) {
        refuse(shape.path, "enum or const of objects or lists together with keywords about their parts",
               Code::kUnsupported);
      }
      if (scalar_fits(*value, shape, check)) all.push_back(json_.constant(*value));
    }
    return rules_.choice(std::move(all));
  }

  // --- strings and numbers ---

  ExprId text(const Shape& shape) {
    if (!shape.has_texts()) return json_.string();
    if (shape.min_length > shape.max_length) return rules_.never();
    const uint32_t min = repeat_count(shape.min_length, shape.path, "minLength");
    const uint32_t max = repeat_count(shape.max_length, shape.path, "maxLength");
    if (shape.patterns.empty() && shape.formats.empty()) {
      return json_.quoted(rules_.repeat(json_.character(), min, max));
    }
    const Encode encode = [this](const CodeSet& set) { return json_.encoded(set); };
    const auto constraints = text_constraints(shape);
    if (constraints.size() == 1 && min == 0 && max == kUnbounded) {
      const auto& [pattern, search, where] = constraints[0];
      return json_.quoted(pattern_rules(rules_, pattern, search, encode, where));
    }
    return json_.quoted(text_automaton(shape)->rules(rules_, encode));
  }

  ExprId number(const Shape& shape, bool whole) {
    const NumberBounds& bounds = shape.number;
    if (bounds.plain()) return whole ? json_.integer() : json_.number();
    const auto key = std::tuple(bounds.min, bounds.max, bounds.multiple, whole);
    const auto [at, fresh] = numbers_.try_emplace(key, kNoExpr);
    if (fresh) at->second = number_rules(rules_, bounds, whole, "schema: " + shape.path);
    return at->second;
  }

  // --- arrays ---

  ExprId array(const Shape& shape) {
    size_t tuple = 0;
    bool says_items = false;
    for (const auto& part : shape.arrays) {
      tuple = std::max(tuple, part->prefix.size());
      says_items = says_items || part->items;
    }
    uint64_t most = shape.max_items;
    if (tuple > 0 && !says_items) most = std::min<uint64_t>(most, std::max<uint64_t>(tuple, shape.min_items));
    if (tuple == 0 && shape.arrays.empty() && shape.min_items == 0 && most == kUnbounded) return json_.array();
    if (shape.min_items > most) return rules_.never();
    const uint32_t min = repeat_count(shape.min_items, shape.path, "minItems");
    const uint32_t max = repeat_count(most, shape.path, "maxItems");

    // From the back: what may follow item i, each beginning with its comma.
    const auto item = [&](size_t i) { return value(item_sources(shape, i)); };
    const auto tuple_end = static_cast<uint32_t>(std::min<size_t>(tuple, max));
    const uint32_t fixed = std::max<uint32_t>(tuple_end, max > 0 ? 1 : 0);
    ExprId rest = rules_.empty();
    if (max > fixed) {
      rest = rules_.repeat(rules_.sequence({json_.comma(), item(fixed)}), min > fixed ? min - fixed : 0,
                           max == kUnbounded ? kUnbounded : max - fixed);
    }
    for (uint32_t i = fixed; i-- > 0;) {
      ExprId next = rules_.sequence({i == 0 ? rules_.empty() : json_.comma(), item(i), rest});
      if (i >= min) next = i == 0 ? next : rules_.optional(next);
      rest = rules_.call(rules_.add("items", next));
    }
    const ExprId content = rules_.sequence({rest, json_.space()});
    return rules_.sequence({rules_.literal("["), json_.space(),
                            max == 0   ? rules_.empty()
                            : min == 0 ? rules_.optional(content)
                                       : content,
                            rules_.literal("]")});
  }

  static Sources item_sources(const Shape& shape, size_t index) {
    Sources sources;
    for (const auto& part : shape.arrays) {
      if (index < part->prefix.size())
        sources.push_back(part->prefix[index]);
      else if (part->items)
        sources.push_back(*part->items);
    }
    return sources;
  }

  // --- objects ---

  struct Member {
    std::string name;
    bool required = false;
    ExprId value = 0;  // with its name in front
  };

  ExprId object(const Shape& shape) {
    if (shape.objects.empty() && shape.min_properties == 0 && shape.max_properties == kUnbounded) {
      return json_.object();
    }
    ObjectNames names(reader_, shape);
    if (names.impossible()) return rules_.never();
    std::vector<Member> members;
    for (const auto& [name, required, sources] : names.members()) {
      const ExprId key = rules_.literal(JsonRules::text_of(name));
      members.push_back({name, required, rules_.sequence({key, json_.colon(), value(sources)})});
    }
    const ExprId extra = additional_member(shape, names);
    return members_of(shape, members, extra);
  }

  // One member with a name that has no schema of its own; never if there may be none.
  ExprId additional_member(const Shape& shape, const ObjectNames& names) {
    if (!names.open()) return rules_.never();
    ExprId key;
    if (const auto automaton = names.additional_names()) {
      key = json_.quoted(automaton->rules(rules_, [this](const CodeSet& set) { return json_.encoded(set); }));
    } else {
      key = json_.string();
    }
    const Sources sources = names.additional_sources();
    return rules_.sequence({key, json_.colon(), sources.empty() ? json_.value() : value(sources)});
  }

  // Rules right to left: `rest(i)` is what may follow when a member stands before, `first(i)` when none does; neither
  // holds the object without members.
  ExprId members_of(const Shape& shape, const std::vector<Member>& members, ExprId extra) {
    const bool open = extra != rules_.never();
    const auto required = static_cast<uint64_t>(
        std::count_if(members.begin(), members.end(), [](const Member& m) { return m.required; }));
    if (required > shape.max_properties) return rules_.never();
    const uint64_t min = shape.min_properties <= required ? 0 : shape.min_properties;
    const uint64_t max = !open && shape.max_properties >= members.size() ? kUnbounded : shape.max_properties;
    if (open && min > 1) refuse(shape.path, "minProperties over 1 with names left open", Code::kUnsupported);
    if (min > members.size() && !open) return rules_.never();

    // How many members stand before, as far as it matters.
    const uint64_t counted = max != kUnbounded ? max : min;
    if ((counted + 1) * (members.size() + 1) > 1u << 16) {
      refuse(shape.path, "minProperties or maxProperties with so many properties", Code::kUnsupported);
    }
    check_optional(shape, members);
    const auto cap = [&](uint64_t count) { return std::min(count, counted); };
    std::vector<ExprId> after(counted + 1), first_after(counted + 1);
    const ExprId more = rules_.sequence({json_.comma(), extra});
    for (uint64_t c = 0; c <= counted; ++c) {
      if (!open) {
        after[c] = c < min ? rules_.never() : rules_.empty();
        continue;
      }
      const uint32_t room = max == kUnbounded ? kUnbounded : repeat_count(max - c, shape.path, "maxProperties");
      after[c] = rules_.repeat(more, c < min ? static_cast<uint32_t>(min - c) : 0, room);
      if (c == max) after[c] = rules_.empty();
    }
    ExprId first = open && max > 0 ? rules_.sequence({extra, after[cap(1)]}) : rules_.never();
    for (size_t i = members.size(); i-- > 0;) {
      std::vector<ExprId> next(counted + 1);
      for (uint64_t c = 0; c <= counted; ++c) {
        const bool room = max == kUnbounded || c < max;
        ExprId with = room ? rules_.sequence({json_.comma(), members[i].value, after[cap(c + 1)]}) : rules_.never();
        if (!members[i].required) with = rules_.choice({with, after[c]});
        next[c] = rules_.call(rules_.add("members", with));
      }
      ExprId with = max == 0 ? rules_.never() : rules_.sequence({members[i].value, after[cap(1)]});
      if (!members[i].required) with = rules_.choice({with, first});
      first = rules_.call(rules_.add("members", with));
      after = std::move(next);
    }
    const ExprId inside = rules_.sequence({first, json_.space()});
    const bool may_be_empty = required == 0 && min == 0;
    return rules_.sequence(
        {rules_.literal("{"), json_.space(), may_be_empty ? rules_.optional(inside) : inside, rules_.literal("}")});
  }

  static void check_optional(const Shape& shape, const std::vector<Member>& members) {
    size_t row = 0;
    for (const Member& member : members) {
      row = member.required ? 0 : row + 1;
      if (row <= limits::kMaxSchemaOptional) continue;
      refuse(shape.path, fmt::format("more than {} optional properties in a row", limits::kMaxSchemaOptional),
             Code::kUnsupported);
    }
  }

  SchemaReader reader_;
  Rules rules_;
  JsonRules json_;
  std::string name_;
  std::map<std::vector<const OrderedJson*>, RuleId> rule_ids_;
  std::vector<std::pair<RuleId, Sources>> pending_;
  std::map<RuleId, std::string> paths_;
  std::map<std::tuple<std::optional<Scaled>, std::optional<Scaled>, Scaled, bool>, ExprId> numbers_;
};

}  // namespace

Rules schema_rules(const nlohmann::ordered_json& schema, const std::string& name) {
  return Compiler(schema, name).compile();
}

Rules any_object_rules() {
  Rules rules;
  JsonRules json(rules);
  const RuleId start = rules.declare("root");
  rules.define(start, json.object());
  rules.start = start;
  return rules;
}

}  // namespace shenbi::grammar
