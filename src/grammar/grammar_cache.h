#pragma once
// Compiled grammars of one model by what they were made from. A service asks with the same few schemas again and again:
// the second time neither the schema is compiled nor the vocabulary walked.
//
//   GrammarCache cache(vocabulary);
//   Matcher matcher = cache.matcher(schema_text, [&] { return Grammar::from_json_schema(schema); });
//
// Bounded by limits::kMaxGrammarCacheBytes and kMaxCachedGrammars, least recently used out first: programs, and what
// their automata have remembered by now. Whoever holds a matcher keeps its grammar, in the cache or not. Thread-safe.

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "grammar/grammar.h"

namespace shenbi::grammar {

class Automaton;

class GrammarCache {
 public:
  explicit GrammarCache(std::shared_ptr<const TokenVocabulary> vocabulary);
  ~GrammarCache();

  /// `source` says everything that `compile` depends on. What compile() throws passes through, and nothing is kept.
  Matcher matcher(std::string_view source, const std::function<std::shared_ptr<const Grammar>()>& compile);

  const std::shared_ptr<const TokenVocabulary>& vocabulary() const noexcept { return vocabulary_; }
  size_t size() const;
  size_t bytes() const;

 private:
  struct Entry {
    std::string source;
    std::shared_ptr<const Grammar> grammar;
    std::shared_ptr<Automaton> automaton;  // held so that what it remembers outlives its matchers
    size_t bytes() const;
  };

  std::shared_ptr<const Grammar> find(std::string_view source);
  void insert(std::string_view source, std::shared_ptr<const Grammar> grammar);
  void trim();

  std::shared_ptr<const TokenVocabulary> vocabulary_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_source_;
};

}  // namespace shenbi::grammar
