#include "grammar/automaton.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>

#include "base/error.h"
#include "base/limits.h"

namespace shenbi::grammar {
namespace {

// A place from which fewer bytes than this lead on is walked each time: digits, keywords and punctuation die out within
// a few hundred nodes.
constexpr size_t kWideBytes = 32;
// With more readings that are wide, one walk for all of them costs less than combining their masks.
constexpr size_t kMaxCombined = 8;

constexpr uint64_t kOwnedByProgram = uint64_t{1} << 62, kOwnedByMachine = uint64_t{1} << 63;

void set_bit(std::span<uint64_t> mask, int32_t id) {
  mask[static_cast<size_t>(id) >> 6] |= uint64_t{1} << (static_cast<size_t>(id) & 63);
}

std::shared_ptr<Mask> compact(std::span<const uint64_t> bits) {
  auto mask = std::make_shared<Mask>();
  size_t count = 0;
  for (const uint64_t word : bits) count += static_cast<size_t>(std::popcount(word));
  if (count * sizeof(int32_t) >= bits.size_bytes()) {
    mask->dense.assign(bits.begin(), bits.end());
    return mask;
  }
  mask->sparse.reserve(count);
  for (size_t i = 0; i < bits.size(); ++i) {
    for (uint64_t word = bits[i]; word != 0; word &= word - 1) {
      mask->sparse.push_back(static_cast<int32_t>(i * 64 + static_cast<size_t>(std::countr_zero(word))));
    }
  }
  return mask;
}

void unite(std::span<uint64_t> mask, const Mask& other) {
  for (size_t i = 0; i < other.dense.size(); ++i) mask[i] |= other.dense[i];
  for (const int32_t id : other.sparse) set_bit(mask, id);
}

}  // namespace

// Walks of the trie for one mask. The work is counted by readings moved, whether remembered or not, so that whether a
// grammar is refused does not depend on what ran before.
class Automaton::Walk {
 public:
  Walk(const TokenVocabulary::Trie& trie, Machine& machine)
      : trie_(trie), machine_(machine), places_(trie.max_token_bytes + 1) {}

  /// Sets the tokens below `node` that `place`, the place at that node, allows.
  void run(uint32_t node, PlaceId place, std::span<uint64_t> mask, std::vector<uint32_t>* exits = nullptr) {
    if (place == 0) return;
    const TrieNode* nodes = trie_.nodes.data();
    places_[nodes[node].depth] = place;
    for (uint32_t i = node + 1, end = nodes[node].end; i < end;) {
      const TrieNode& n = nodes[i];
      const PlaceId from = places_[n.depth - 1u];
      work_ += machine_.readings(from).size();
      const PlaceId to = machine_.step(from, n.byte);
      if (to == 0) {
        i = n.end;
        continue;
      }
      if (work_ > limits::kMaxMaskWork) too_much();
      for (uint32_t t = n.first_token; t < nodes[i + 1].first_token; ++t) set_bit(mask, trie_.tokens[t]);
      if (exits != nullptr) {
        if (machine_.can_end(to)) exits->push_back(i);
        depth_ = std::max(depth_, machine_.depth(to));
      }
      places_[n.depth] = to;
      ++i;
    }
  }
  uint32_t depth() const { return depth_; }

 private:
  [[noreturn]] static void too_much() {
    throw Error(Code::kUnsupported,
                fmt::format("grammar: finding the tokens that may come next takes more than {} steps; "
                            "make the alternatives begin differently",
                            limits::kMaxMaskWork));
  }

  const TokenVocabulary::Trie& trie_;
  Machine& machine_;
  std::vector<PlaceId> places_;  // by depth
  uint64_t work_ = 0;
  uint32_t depth_ = 0;
};

Automaton::Automaton(std::shared_ptr<const Grammar::Program> program, std::shared_ptr<const TokenVocabulary> vocabulary)
    : program_(std::move(program)),
      vocabulary_(std::move(vocabulary)),
      trie_(&vocabulary_->trie()),
      rule_numbers_(program_->rules.size()) {}

std::shared_ptr<Automaton> Automaton::shared(std::shared_ptr<const Grammar::Program> program,
                                             std::shared_ptr<const TokenVocabulary> vocabulary) {
  const auto& trie = vocabulary->trie();
  const std::lock_guard lock(trie.mutex);
  std::erase_if(trie.automata, [](const auto& entry) { return entry.second.expired(); });
  auto& known = trie.automata[program->id];
  auto automaton = known.lock();
  if (!automaton) known = automaton = std::make_shared<Automaton>(std::move(program), std::move(vocabulary));
  return automaton;
}

Automaton::Cursor Automaton::start() {
  Cursor cursor;
  refresh(cursor);
  cursor.place = cursor.machine->start();
  return cursor;
}

void Automaton::refresh(Cursor& cursor) {
  if (!machine_ || machine_->crowded()) {
    static std::atomic<uint64_t> machines = 0;
    machine_ = std::make_shared<Machine>(program_);
    machine_number_ = ++machines;
  }
  if (cursor.machine == machine_) return;
  if (cursor.machine) cursor.place = machine_->adopt(*cursor.machine, cursor.place);
  cursor.machine = machine_;
}

bool Automaton::is_wide(PlaceId place) {
  size_t bytes = 0;
  for (size_t b = 0; b < 256; ++b) bytes += machine_->step(place, static_cast<uint8_t>(b)) != 0;
  return bytes >= kWideBytes;
}

void Automaton::allowed(const Cursor& cursor, std::span<uint64_t> mask) {
  std::fill(mask.begin(), mask.end(), 0);
  const PlaceId place = cursor.place;
  if (machine_->can_end(place)) {
    for (const int32_t id : trie_->end_tokens) set_bit(mask, id);
  }
  if (machine_->readings(place).empty()) return;
  if (!is_wide(place)) {
    Walk(*trie_, *machine_).run(0, place, mask);
    return;
  }
  const MaskKey key{kOwnedByMachine | machine_number_, place};
  if (const auto known = trie_->masks.find(key)) return unite(mask, *known);
  combine(place, mask);
  trie_->masks.insert(key, compact(mask));
}

void Automaton::combine(PlaceId place, std::span<uint64_t> mask) {
  Walk walk(*trie_, *machine_);
  const std::vector<Reading> readings(machine_->readings(place).begin(), machine_->readings(place).end());
  std::vector<Reading> wide;
  for (const Reading& reading : readings) {
    if (is_wide(machine_->place_of(reading))) {
      wide.push_back(reading);
    } else {
      walk.run(0, machine_->place_of(reading), mask);
    }
    if (wide.size() > kMaxCombined) break;
  }
  if (wide.size() > kMaxCombined) return walk.run(0, place, mask);
  for (const Reading& reading : wide) add(reading, mask, walk);
}

void Automaton::add(const Reading& reading, std::span<uint64_t> mask, Walk& walk) {
  const StateId state = representative(reading.state);
  const auto own = mask_of(state, machine_->place_of({state, 0}));
  if (machine_->depth_of_stack(reading.stack) + own->depth > limits::kMaxGrammarDepth) {
    return walk.run(0, machine_->place_of(reading), mask);  // so deep that the depth decides
  }
  unite(mask, *own);
  const PlaceId after = machine_->place_after(reading.stack);
  for (const uint32_t node : own->exits) walk.run(node, after, mask);
}

// States that do the same for as long as any token lasts.
StateId Automaton::representative(StateId state) const {
  while (program_->states[state].horizon > trie_->max_token_bytes) state = program_->states[state].like;
  return state;
}

MaskKey Automaton::key_of(StateId state) {
  const RuleId rule = program_->states[state].rule;
  uint64_t& number = rule_numbers_[rule];
  if (number == 0) {
    const std::string text = program_->text_of(rule);
    number = text.empty() ? kOwnedByProgram | program_->id : trie_->masks.number_of(text);
  }
  return {number, number & kOwnedByProgram ? state : state - program_->rules[rule].first};
}

std::shared_ptr<const Mask> Automaton::mask_of(StateId state, PlaceId place) {
  const MaskKey key = key_of(state);
  if (auto known = trie_->masks.find(key)) return known;
  std::vector<uint64_t> bits((trie_->vocab_size + 63) / 64);
  std::vector<uint32_t> exits;
  Walk walk(*trie_, *machine_);
  walk.run(0, place, bits, &exits);
  auto mask = compact(bits);
  mask->exits = std::move(exits);
  mask->depth = std::max(walk.depth(), machine_->depth(place));
  trie_->masks.insert(key, mask);
  return mask;
}

}  // namespace shenbi::grammar
