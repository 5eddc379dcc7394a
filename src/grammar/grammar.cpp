#include "grammar/grammar.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/limits.h"
#include "grammar/gbnf_parser.h"
#include "grammar/gbnf_writer.h"
#include "grammar/machine.h"
#include "grammar/pattern.h"
#include "grammar/program.h"
#include "grammar/schema_rules.h"

namespace shenbi::grammar {

std::shared_ptr<const Grammar> Grammar::of(const Rules& rules, std::string_view what) {
  auto grammar = std::make_shared<Grammar>();
  grammar->program_ = build_program(rules, what);
  return grammar;
}

std::shared_ptr<const Grammar> Grammar::from_gbnf(std::string_view text) { return of(parse_gbnf(text), "gbnf"); }

std::shared_ptr<const Grammar> Grammar::from_gbnf(std::string_view text, const AnswerRules& answer) {
  return of(parse_gbnf(text, &answer), "gbnf");
}

std::shared_ptr<const Grammar> Grammar::from_regex(std::string_view text) {
  Rules rules;
  const Pattern pattern = parse_pattern(text, "regex");
  const Encode plain = [&](const CodeSet& set) { return rules.set(set); };
  rules.start = rules.add("regex", pattern_rules(rules, pattern, false, plain, "regex"));
  return of(rules, "regex");
}

std::shared_ptr<const Grammar> Grammar::from_json_schema(const nlohmann::ordered_json& schema) {
  return of(schema_rules(schema, "root"), "schema");
}

std::shared_ptr<const Grammar> Grammar::any_json_object() {
  static const auto grammar = of(any_object_rules(), "json");
  return grammar;
}

std::string Grammar::gbnf_of_json_schema(const nlohmann::ordered_json& schema, std::string_view rule) {
  return write_gbnf(schema_rules(schema, std::string(rule)), rule);
}

std::shared_ptr<const Grammar> Grammar::from_choices(const std::vector<std::string>& choices) {
  if (choices.empty()) throw Error(Code::kInvalidArgument, "choices: the list is empty");
  Rules rules;
  std::vector<ExprId> texts;
  for (const std::string& choice : choices) texts.push_back(rules.literal(choice));
  rules.start = rules.add("choices", rules.choice(std::move(texts)));
  return of(rules, "choices");
}

bool Grammar::matches(std::string_view text) const {
  auto machine = std::make_unique<Machine>(program_);
  PlaceId place = machine->start();
  for (size_t i = 0; i < text.size() && place != 0; ++i) {
    place = machine->step(place, static_cast<uint8_t>(text[i]));
    if (machine->crowded()) {
      auto fresh = std::make_unique<Machine>(program_);
      place = fresh->adopt(*machine, place);
      machine = std::move(fresh);
    }
  }
  return machine->can_end(place);
}

}  // namespace shenbi::grammar
