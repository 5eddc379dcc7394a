#pragma once
// Reads a program byte by byte, remembering what it has seen: a pushdown automaton that is made deterministic lazily.
//
// A place in the grammar is a set of readings, each a state of the network and a stack of states to come back to.
// Stacks share their lower parts (each is a top and the number of the rest), and equal stacks and equal sets have equal
// numbers; so a place is one number, and moving on by a byte that was seen at this place before is one look-up. The
// rule for ambiguity falls out: equal readings are one, and more than limits::kMaxGrammarReadings different ones are
// refused.
//
// Readings that wait for a byte are kept, and those that call (masks are best found for the caller). A reading whose
// rules could not all be ended within limits::kMaxGrammarDepth is dropped, so from every reading that is kept the
// sentence can be finished.

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "grammar/program.h"

namespace shenbi::grammar {

using StackId = uint32_t;  ///< 0: empty
using PlaceId = uint32_t;  ///< 0: nowhere, the text is not in the grammar

struct Reading {
  StateId state;
  StackId stack;
  auto operator<=>(const Reading&) const = default;
};

class Machine {
 public:
  explicit Machine(std::shared_ptr<const Grammar::Program> program);

  const Grammar::Program& program() const noexcept { return *program_; }
  PlaceId start() const noexcept { return start_; }

  /// Throws Error{kUnsupported} if there are too many readings, or if more than limits::kMaxAutomatonBytes are
  /// remembered (see crowded()).
  PlaceId step(PlaceId place, uint8_t byte) {
    const size_t at = size_t{place} * classes_ + program_->byte_class[byte];
    return moves_[at] != kUnknown ? moves_[at] : find_move(place, program_->byte_class[byte]);
  }
  PlaceId step(PlaceId place, std::string_view bytes) {
    for (size_t i = 0; i < bytes.size() && place != 0; ++i) place = step(place, static_cast<uint8_t>(bytes[i]));
    return place;
  }

  std::span<const Reading> readings(PlaceId place) const noexcept {
    return {readings_.data() + places_[place].first, places_[place].count};
  }
  /// The text up to here is a whole sentence.
  bool can_end(PlaceId place) const noexcept { return places_[place].can_end; }
  /// Most rules that are open, or must yet be opened, in any reading of the place.
  uint32_t depth(PlaceId place) const noexcept { return places_[place].depth; }

  /// About how many bytes may come next (those that only the bound of depth forbids are counted as well).
  size_t count_bytes(PlaceId place) const noexcept;
  /// The byte that must come next, if there is exactly one.
  std::optional<uint8_t> only_byte(PlaceId place) const noexcept;

  /// The place of one reading. With an empty stack, what is then read is the state's own rule, and can_end says that
  /// this rule may have ended.
  PlaceId place_of(const Reading& reading);
  /// The place after the rule on top of `stack` has ended.
  PlaceId place_after(StackId stack);
  uint32_t depth_of_stack(StackId stack) const noexcept { return stacks_[stack].depth; }

  /// How many readings were moved by a byte that was new to them, ever: what time goes into.
  uint64_t work() const noexcept { return work_; }

  /// About what is remembered.
  size_t bytes() const noexcept;
  /// Half of the memory is used: time for a fresh machine, into which a place is carried by `adopt`.
  bool crowded() const noexcept;
  PlaceId adopt(const Machine& other, PlaceId place);

 private:
  static constexpr PlaceId kUnknown = UINT32_MAX;
  struct Stack {
    StateId back;
    StackId below;
    uint32_t depth;
  };
  struct Place {
    size_t first;
    uint32_t count, depth;
    bool can_end;
  };

  PlaceId find_move(PlaceId place, uint8_t byte_class);
  void add(StateId state, StackId stack);
  bool see(uint64_t reading);
  bool place_seen(uint64_t reading);
  void clear_scratch() noexcept;
  PlaceId close();
  StackId push(StateId back, StackId below);
  PlaceId intern(bool can_end);

  std::shared_ptr<const Grammar::Program> program_;
  size_t classes_;
  std::vector<Stack> stacks_;
  std::unordered_map<uint64_t, StackId> stack_ids_;
  std::vector<Place> places_;
  std::vector<Reading> readings_;
  std::vector<PlaceId> moves_;
  std::unordered_multimap<uint64_t, PlaceId> place_ids_;
  std::unordered_map<StackId, PlaceId> after_;
  std::unordered_map<uint64_t, PlaceId> place_of_;
  PlaceId start_ = 0;

  // Scratch of one move.
  std::vector<Reading> pending_, kept_;
  std::vector<std::pair<uint64_t, uint32_t>> seen_;  // open addressing, a power of two; of this round
  size_t seen_count_ = 0;
  uint32_t round_ = 1;
  uint64_t work_ = 0;
  bool ended_ = false;
};

}  // namespace shenbi::grammar
