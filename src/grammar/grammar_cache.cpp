#include "grammar/grammar_cache.h"

#include "base/limits.h"
#include "grammar/automaton.h"
#include "grammar/program.h"

namespace shenbi::grammar {

size_t GrammarCache::Entry::bytes() const {
  constexpr size_t kNodes = 512;  // of the list, the map and the shared pointers
  return source.size() + grammar->program()->bytes() + automaton->bytes() + kNodes;
}

GrammarCache::GrammarCache(std::shared_ptr<const TokenVocabulary> vocabulary) : vocabulary_(std::move(vocabulary)) {}
GrammarCache::~GrammarCache() = default;

Matcher GrammarCache::matcher(std::string_view source, const std::function<std::shared_ptr<const Grammar>()>& compile) {
  auto grammar = find(source);
  if (!grammar) {
    grammar = compile();  // without the lock: two who ask at once both compile, and one of the results stays
    insert(source, grammar);
  }
  return Matcher(std::move(grammar), vocabulary_);
}

std::shared_ptr<const Grammar> GrammarCache::find(std::string_view source) {
  const std::lock_guard lock(mutex_);
  trim();  // automata grow while they are used
  const auto found = by_source_.find(source);
  if (found == by_source_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->grammar;
}

void GrammarCache::insert(std::string_view source, std::shared_ptr<const Grammar> grammar) {
  const std::lock_guard lock(mutex_);
  if (by_source_.contains(source)) return;
  auto automaton = Automaton::shared(grammar->program(), vocabulary_);
  entries_.push_front({std::string(source), std::move(grammar), std::move(automaton)});
  by_source_[entries_.front().source] = entries_.begin();
  trim();
}

void GrammarCache::trim() {
  size_t kept = 0, count = 0;
  auto entry = entries_.begin();
  for (; entry != entries_.end() && count < limits::kMaxCachedGrammars; ++entry, ++count) {
    kept += entry->bytes();
    if (kept > limits::kMaxGrammarCacheBytes) break;
  }
  while (entry != entries_.end()) {
    by_source_.erase(entry->source);
    entry = entries_.erase(entry);
  }
}

size_t GrammarCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

size_t GrammarCache::bytes() const {
  const std::lock_guard lock(mutex_);
  size_t all = 0;
  for (const Entry& entry : entries_) all += entry.bytes();
  return all;
}

}  // namespace shenbi::grammar
