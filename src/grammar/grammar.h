#pragma once
// Structured output: which tokens may come next so that the answer stays within a grammar.
//
//   auto vocabulary = TokenVocabulary::make(*tokenizer);                 // once a model: a trie over the tokens' bytes
//   auto grammar = Grammar::from_json_schema(schema);                   // or from_gbnf, from_regex, from_choices
//   Matcher matcher(grammar, vocabulary);
//   matcher.allowed(mask);  ... matcher.accept(token) ...  matcher.forced_text()
//
// Everything compiles to one form (rules over byte ranges), read by a pushdown automaton. Schemas, patterns and
// grammars come from requests and are hostile: size, depth and work are bounded (base/limits.h), and what is not
// understood is an Error{kInvalidArgument} or {kUnsupported} that names the place ("schema: #/properties/a/pattern:
// ..."): never a looser grammar than was asked for.

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace shenbi::grammar {

class Rules;

/// What GBNF written by the program itself may have beyond what requests may: places for control tokens.
///
/// A literal that holds the text of one of `control_texts` takes the token in its place as well. The rule
/// "control-mark" is defined: it stands in front of the text of any control token, so `[^<] free | control-mark free`
/// lets them pass.
struct AnswerRules {
  std::string_view start = "root";
  std::span<const std::string> control_texts;
};

/// A compiled grammar. Immutable, shared by any number of matchers.
class Grammar {
 public:
  /// GBNF as llama.cpp documents it (rules, literals, classes with ranges and negation, alternatives, groups, ? * +
  /// {m,n}, comments,
  /// \x \u \U escapes, '.'); the rule "root" is the start.
  static std::shared_ptr<const Grammar> from_gbnf(std::string_view text);
  static std::shared_ptr<const Grammar> from_gbnf(std::string_view text, const AnswerRules& answer);
  /// JSON Schema (draft 2020-12 with the keywords that OpenAI's structured outputs and common libraries emit): types,
  /// enum, const, properties in their order, required, additionalProperties, items, prefixItems, minItems, maxItems,
  /// minLength, maxLength, pattern, format (date, date-time, time, uuid, email, ipv4), minimum, maximum, exclusive
  /// bounds and multipleOf on integers, anyOf, oneOf, allOf of objects, $ref and $defs (recursive too), nullable types.
  /// `true` and `{}` are any JSON.
  static std::shared_ptr<const Grammar> from_json_schema(const nlohmann::ordered_json& schema);
  static std::shared_ptr<const Grammar> any_json_object();
  /// The whole answer matches (anchored); no look-around, no back references.
  static std::shared_ptr<const Grammar> from_regex(std::string_view pattern);
  static std::shared_ptr<const Grammar> from_choices(const std::vector<std::string>& choices);

  /// GBNF rules that define `rule` (and helpers whose names begin with `rule` and '-') as what the schema allows, to be
  /// put into a larger grammar.
  static std::string gbnf_of_json_schema(const nlohmann::ordered_json& schema, std::string_view rule);

  /// True if the bytes are a whole sentence of the grammar.
  bool matches(std::string_view text) const;

  struct Program;
  const std::shared_ptr<const Program>& program() const noexcept { return program_; }

 private:
  static std::shared_ptr<const Grammar> of(const Rules& rules, std::string_view what);
  std::shared_ptr<const Program> program_;
};

/// The tokens of a vocabulary by their bytes, ready to be walked with an automaton. Immutable, shared.
class TokenVocabulary {
 public:
  /// Control tokens are allowed only where rules name them (AnswerRules), tokens without bytes never; end tokens are
  /// when the sentence is complete.
  static std::shared_ptr<const TokenVocabulary> make(const tokenizers::Tokenizer& tokenizer, size_t vocab_size,
                                                     std::vector<int32_t> end_tokens);
  struct Trie;
  const Trie& trie() const noexcept { return *trie_; }
  /// The texts of the control tokens that do not end an answer.
  std::span<const std::string> control_texts() const noexcept;

 private:
  std::shared_ptr<const Trie> trie_;
};

/// One answer's place in a grammar. Not thread-safe; masks of states are cached in the Grammar/vocabulary pair
/// (bounded).
class Matcher {
 public:
  Matcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenVocabulary> vocabulary);
  ~Matcher();
  Matcher(Matcher&&) noexcept;
  Matcher& operator=(Matcher&&) noexcept;

  /// Sets bit i of `mask` (ceil(vocab/64) words) for every token that may come next, clears the others.
  void allowed(std::span<uint64_t> mask);
  /// Moves on. False (and no change) if the token was not allowed.
  bool accept(int32_t token);
  bool accept_text(std::string_view bytes);
  /// The sentence may end here / must end here.
  bool can_end() const;
  bool must_end() const;
  /// The bytes that must come next, if there is only one way to go on ("" otherwise): jump-ahead.
  std::string forced_text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shenbi::grammar
