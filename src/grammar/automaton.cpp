#include "grammar/automaton.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <set>

#include "base/error.h"
#include "base/limits.h"

namespace shenbi::grammar {
namespace {

// A place from which fewer bytes than this lead on is walked each time: digits, keywords and punctuation die out within
// a few hundred nodes.
constexpr size_t kWideBytes = 16;
// With more readings that are wide, one walk for all of them costs less than combining their masks.
constexpr size_t kMaxCombined = 8;
constexpr size_t kMaxSeparate = 64;  // readings that are worth being looked at one by one

// A mask that took less walking than this is not worth the memory: about 20 microseconds.
constexpr uint64_t kCheapWork = 8'000;

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

// Walks of the trie for one mask. Nodes cost little; what is bounded is the moves that the machine has not made before.
class Automaton::Walk {
 public:
  Walk(const TokenVocabulary::Trie& trie, Machine& machine)
      : trie_(trie), machine_(machine), places_(trie.max_token_bytes + 1), machine_work_(machine.work()) {}

  /// Sets the tokens below `node` that `place`, the place at that node, allows. Nodes that follow a place where the
  /// reading may end are added to `exits`.
  void below(uint32_t node, PlaceId place, std::span<uint64_t> mask, std::vector<uint32_t>* exits = nullptr) {
    const TrieNode* nodes = trie_.nodes.data();
    places_[nodes[node].depth] = place;
    for (uint32_t i = node + 1, end = nodes[node].end; i < end;) {
      const TrieNode& n = nodes[i];
      const PlaceId from = places_[n.depth - 1u];
      const PlaceId to = machine_.step(from, n.byte);
      ++work_;
      if (to == 0) {
        i = n.end;
        continue;
      }
      if (machine_.work() - machine_work_ > limits::kMaxMaskWork) too_much();
      set_tokens(i, mask);
      if (exits != nullptr) note(i, to, *exits);
      places_[n.depth] = to;
      ++i;
    }
  }

  /// The same for each of the `exits`, where `place` is the place before their byte.
  void behind(const Mask& own, PlaceId place, std::span<uint64_t> mask) {
    if (place == 0 || own.exits.empty()) return;
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t first = own.exit_begins[byte], last = own.exit_begins[byte + 1];
      const PlaceId to = first < last ? machine_.step(place, static_cast<uint8_t>(byte)) : 0;
      if (to == 0) continue;
      work_ += last - first;
      for (uint32_t i = first; i < last; ++i) {
        set_tokens(own.exits[i], mask);
        below(own.exits[i], to, mask);
      }
    }
  }

  uint32_t depth() const { return depth_; }
  uint64_t work() const { return work_; }

 private:
  [[noreturn]] static void too_much() {
    throw Error(Code::kUnsupported,
                fmt::format("grammar: finding the tokens that may come next takes more than {} steps; "
                            "make the alternatives begin differently",
                            limits::kMaxMaskWork));
  }

  void set_tokens(uint32_t node, std::span<uint64_t> mask) const {
    const uint32_t last = trie_.nodes[node + 1].first_token;
    for (uint32_t t = trie_.nodes[node].first_token; t < last; ++t) set_bit(mask, trie_.tokens[t]);
  }
  void note(uint32_t node, PlaceId place, std::vector<uint32_t>& exits) {
    depth_ = std::max(depth_, machine_.depth(place));
    if (!machine_.can_end(place)) return;
    for (uint32_t child = node + 1; child < trie_.nodes[node].end; child = trie_.nodes[child].end) {
      exits.push_back(child);
    }
  }

  const TokenVocabulary::Trie& trie_;
  Machine& machine_;
  std::vector<PlaceId> places_;  // by depth
  uint64_t machine_work_;        // when it began
  uint64_t work_ = 0;            // nodes looked at
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
  bytes_.store(machine_->bytes() + rule_numbers_.size() * 8, std::memory_order_relaxed);
  if (cursor.machine == machine_) return;
  if (cursor.machine) cursor.place = machine_->adopt(*cursor.machine, cursor.place);
  cursor.machine = machine_;
}

bool Automaton::is_wide(PlaceId place) const { return machine_->count_bytes(place) >= kWideBytes; }

void Automaton::allowed(const Cursor& cursor, std::span<uint64_t> mask) {
  std::fill(mask.begin(), mask.end(), 0);
  const PlaceId place = cursor.place;
  if (machine_->can_end(place)) {
    for (const int32_t id : trie_->end_tokens) set_bit(mask, id);
  }
  if (machine_->readings(place).empty()) return;
  const MaskKey key{kOwnedByMachine | machine_number_, place};
  if (const auto known = trie_->masks.find(key)) return unite(mask, *known);
  if (combine(place, mask) > kCheapWork) trie_->masks.insert(key, compact(mask));
}

// Readings of the place from which all of its readings follow without a byte. Callers lie less deep than what they
// call, so going by depth finds few.
std::vector<Reading> Automaton::sources_of(PlaceId place) {
  std::vector<Reading> all(machine_->readings(place).begin(), machine_->readings(place).end());
  std::stable_sort(all.begin(), all.end(), [&](const Reading& a, const Reading& b) {
    return machine_->depth_of_stack(a.stack) < machine_->depth_of_stack(b.stack);
  });
  std::set<Reading> covered;
  std::erase_if(all, [&](const Reading& reading) {
    if (covered.contains(reading)) return true;
    const auto follow = machine_->readings(machine_->place_of(reading));
    covered.insert(follow.begin(), follow.end());
    return false;
  });
  return all;
}

// How much was walked; masks of parts that were known cost nothing.
uint64_t Automaton::combine(PlaceId place, std::span<uint64_t> mask) {
  Walk walk(*trie_, *machine_);
  if (!is_wide(place) || machine_->readings(place).size() > kMaxSeparate) {
    walk.below(0, place, mask);
    return walk.work();
  }
  const std::vector<Reading> sources = sources_of(place);
  const auto wide = static_cast<size_t>(
      std::count_if(sources.begin(), sources.end(), [&](const Reading& r) { return is_wide(machine_->place_of(r)); }));
  if (wide > kMaxCombined) {
    walk.below(0, place, mask);
    return walk.work();
  }
  for (const Reading& reading : sources) {
    if (is_wide(machine_->place_of(reading))) {
      add(reading, mask, walk);
    } else {
      walk.below(0, machine_->place_of(reading), mask);
    }
  }
  return walk.work();
}

void Automaton::add(const Reading& reading, std::span<uint64_t> mask, Walk& walk) {
  const StateId state = representative(reading.state);
  const auto own = mask_of(state, machine_->place_of({state, 0}));
  if (machine_->depth_of_stack(reading.stack) + own->depth > limits::kMaxGrammarDepth) {
    return walk.below(0, machine_->place_of(reading), mask);  // so deep that the depth decides
  }
  unite(mask, *own);
  walk.behind(*own, machine_->place_after(reading.stack), mask);
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

void Automaton::sort_exits(std::vector<uint32_t> exits, Mask& mask) const {
  if (exits.empty()) return;
  mask.exit_begins.assign(257, 0);
  for (const uint32_t node : exits) ++mask.exit_begins[trie_->nodes[node].byte + 1u];
  for (size_t byte = 0; byte < 256; ++byte) mask.exit_begins[byte + 1] += mask.exit_begins[byte];
  std::vector<uint32_t> next(mask.exit_begins.begin(), mask.exit_begins.end() - 1);
  mask.exits.resize(exits.size());
  for (const uint32_t node : exits) mask.exits[next[trie_->nodes[node].byte]++] = node;
}

std::shared_ptr<const Mask> Automaton::mask_of(StateId state, PlaceId place) {
  const MaskKey key = key_of(state);
  if (auto known = trie_->masks.find(key)) return known;
  std::vector<uint64_t> bits((trie_->vocab_size + 63) / 64);
  std::vector<uint32_t> exits;
  Walk walk(*trie_, *machine_);
  walk.below(0, place, bits, &exits);
  auto mask = compact(bits);
  sort_exits(std::move(exits), *mask);
  mask->depth = std::max(walk.depth(), machine_->depth(place));
  trie_->masks.insert(key, mask);
  return mask;
}

}  // namespace shenbi::grammar
