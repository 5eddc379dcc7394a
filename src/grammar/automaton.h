#pragma once
// A grammar and a vocabulary together: which tokens may come at a place.
//
// A token is allowed at a place if one of the place's readings allows it, so a mask is a union over readings. What a
// reading allows is split in two. As long as the token stays within the reading's own rule, the stack below does not
// matter: that part is a Mask of the state alone, found once by a walk over the whole trie and remembered, also for
// other grammars that hold the same rule (inside a JSON string every schema is alike). Where the rule may end within
// the token
// (`exits`: before the comma of `",` and a few thousand others), the walk goes on with what is below.
//
// Shared by all matchers of the grammar with this vocabulary; every call but bytes() takes the lock.

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "grammar/machine.h"
#include "grammar/vocabulary.h"

namespace shenbi::grammar {

class Automaton {
 public:
  Automaton(std::shared_ptr<const Grammar::Program> program, std::shared_ptr<const TokenVocabulary> vocabulary);

  /// The automaton in use for the two, or a new one.
  static std::shared_ptr<Automaton> shared(std::shared_ptr<const Grammar::Program> program,
                                           std::shared_ptr<const TokenVocabulary> vocabulary);

  /// A place together with the machine that it is a number of. Replaced by a fresh one when it has grown large: refresh
  /// the cursor first in each call.
  struct Cursor {
    std::shared_ptr<Machine> machine;
    PlaceId place = 0;
  };

  std::mutex& mutex() { return mutex_; }
  const TokenVocabulary::Trie& trie() const { return *trie_; }
  Cursor start();
  /// What is remembered, as of the last mask. Takes no lock.
  size_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  void refresh(Cursor& cursor);
  void allowed(const Cursor& cursor, std::span<uint64_t> mask);

 private:
  class Walk;
  std::shared_ptr<const Mask> mask_of(StateId state, PlaceId place);
  MaskKey key_of(StateId state);
  StateId representative(StateId state) const;
  bool is_wide(PlaceId place) const;
  std::vector<Reading> sources_of(PlaceId place);
  uint64_t combine(PlaceId place, std::span<uint64_t> mask);
  void sort_exits(std::vector<uint32_t> exits, Mask& mask) const;
  void add(const Reading& reading, std::span<uint64_t> mask, Walk& walk);

  std::mutex mutex_;
  std::shared_ptr<const Grammar::Program> program_;
  std::shared_ptr<const TokenVocabulary> vocabulary_;
  const TokenVocabulary::Trie* trie_;
  std::shared_ptr<Machine> machine_;
  uint64_t machine_number_ = 0;
  std::atomic<size_t> bytes_ = 0;
  std::vector<uint64_t> rule_numbers_;  // of MaskCache::number_of + 1; 0: not asked yet
};

}  // namespace shenbi::grammar
