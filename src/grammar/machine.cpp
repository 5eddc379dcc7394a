#include "grammar/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>

#include "base/error.h"
#include "base/limits.h"

namespace shenbi::grammar {
namespace {

// Silent states are met on the way to those that wait for a byte: several for each.
constexpr size_t kMaxSeen = 8 * limits::kMaxGrammarReadings;

uint64_t pair_of(uint32_t high, uint32_t low) { return uint64_t{high} << 32 | low; }

uint64_t hash_of(std::span<const Reading> readings, bool can_end) {
  uint64_t hash = can_end ? 0x9E3779B97F4A7C15 : 0xC2B2AE3D27D4EB4F;
  for (const Reading& r : readings) {
    hash = (hash ^ pair_of(r.state, r.stack)) * 0xFF51AFD7ED558CCD;
    hash ^= hash >> 32;
  }
  return hash;
}

}  // namespace

Machine::Machine(std::shared_ptr<const Grammar::Program> program)
    : program_(std::move(program)), classes_(program_->class_byte.size()), seen_(256) {
  stacks_.push_back({0, 0, 0});
  places_.push_back({0, 0, 0, false});
  moves_.assign(classes_, 0);
  start_ = place_of({0, 0});
}

size_t Machine::bytes() const noexcept {
  return stacks_.size() * (sizeof(Stack) + 40) + places_.size() * (sizeof(Place) + 40) +
         readings_.size() * sizeof(Reading) + moves_.size() * sizeof(PlaceId) + (after_.size() + place_of_.size()) * 40;
}

bool Machine::crowded() const noexcept { return bytes() > limits::kMaxAutomatonBytes / 2; }

StackId Machine::push(StateId back, StackId below) {
  const auto [at, fresh] = stack_ids_.try_emplace(pair_of(back, below), static_cast<StackId>(stacks_.size()));
  if (fresh) stacks_.push_back({back, below, stacks_[below].depth + 1});
  return at->second;
}

// True the first time that a reading is met in this move.
bool Machine::see(uint64_t reading) {
  if (2 * (seen_count_ + 1) > seen_.size()) {
    std::vector<std::pair<uint64_t, uint32_t>> larger(4 * seen_.size());
    std::swap(seen_, larger);
    for (const auto& [key, round] : larger) {
      if (round == round_) place_seen(key);
    }
  }
  const bool fresh = place_seen(reading);
  seen_count_ += fresh;
  return fresh;
}

bool Machine::place_seen(uint64_t reading) {
  const size_t mask = seen_.size() - 1;
  size_t at = (reading * 0x9E3779B97F4A7C15) >> 40 & mask;
  for (; seen_[at].second == round_; at = (at + 1) & mask) {
    if (seen_[at].first == reading) return false;
  }
  seen_[at] = {reading, round_};
  return true;
}

void Machine::clear_scratch() noexcept {
  pending_.clear();
  kept_.clear();
  ended_ = false;
  seen_count_ = 0;
  if (++round_ == 0) {  // after 2^32 moves old entries would count again
    std::fill(seen_.begin(), seen_.end(), std::pair<uint64_t, uint32_t>());
    round_ = 1;
  }
}

// Notes a reading to be followed, unless it is known or could not be ended within the depth.
void Machine::add(StateId state, StackId stack) {
  if (stacks_[stack].depth + program_->states[state].need > limits::kMaxGrammarDepth) return;
  if (!see(pair_of(state, stack))) return;
  if (seen_count_ > kMaxSeen) {
    throw Error(Code::kUnsupported, fmt::format("grammar: more than {} ways to read the text so far; make the "
                                                "alternatives begin differently",
                                                limits::kMaxGrammarReadings));
  }
  pending_.push_back({state, stack});
}

// Follows silent edges, calls and ends of rules from what was added; the readings that read or call make the place.
PlaceId Machine::close() {
  const auto& p = *program_;
  size_t waiting = 0;
  while (!pending_.empty()) {
    const auto [s, stack] = pending_.back();
    pending_.pop_back();
    const ProgramState &state = p.states[s], &next = p.states[s + 1];
    if (next.edges > state.edges || next.calls > state.calls) kept_.push_back({s, stack});
    waiting += next.edges > state.edges;
    for (uint32_t i = state.silent; i < next.silent; ++i) add(p.silent[i], stack);
    for (uint32_t i = state.calls; i < next.calls; ++i) {
      const CallEdge& call = p.calls[i];
      add(p.rules[call.rule].first, p.states[call.back].only_returns ? stack : push(call.back, stack));
    }
    if (!state.final) continue;
    if (stack == 0) {
      ended_ = true;
    } else {
      add(stacks_[stack].back, stacks_[stack].below);
    }
  }
  if (waiting > limits::kMaxGrammarReadings) {
    throw Error(Code::kUnsupported, fmt::format("grammar: more than {} ways to read the text so far; make the "
                                                "alternatives begin differently",
                                                limits::kMaxGrammarReadings));
  }
  std::sort(kept_.begin(), kept_.end());
  return intern(ended_);
}

PlaceId Machine::intern(bool can_end) {
  if (kept_.empty() && !can_end) return 0;
  const uint64_t hash = hash_of(kept_, can_end);
  for (auto [at, last] = place_ids_.equal_range(hash); at != last; ++at) {
    const auto known = readings(at->second);
    if (places_[at->second].can_end == can_end && std::equal(known.begin(), known.end(), kept_.begin(), kept_.end())) {
      return at->second;
    }
  }
  if (bytes() > limits::kMaxAutomatonBytes) {
    throw Error(Code::kUnsupported, fmt::format("grammar: needs more than {} MiB of automaton for one token; make the "
                                                "alternatives begin differently",
                                                limits::kMaxAutomatonBytes >> 20));
  }
  uint32_t depth = 0;
  for (const Reading& r : kept_) depth = std::max(depth, stacks_[r.stack].depth + program_->states[r.state].need);
  const auto id = static_cast<PlaceId>(places_.size());
  places_.push_back({readings_.size(), static_cast<uint32_t>(kept_.size()), depth, can_end});
  readings_.insert(readings_.end(), kept_.begin(), kept_.end());
  moves_.resize(moves_.size() + classes_, kUnknown);
  place_ids_.emplace(hash, id);
  return id;
}

namespace {

// Scratch is emptied on the way out as well: an Error may leave a move half done.
template <class Clear>
struct Finally {
  Clear clear;
  ~Finally() { clear(); }
};

}  // namespace

PlaceId Machine::find_move(PlaceId place, uint8_t byte_class) {
  const Finally finally{[this] { clear_scratch(); }};
  const uint8_t byte = program_->class_byte[byte_class];
  work_ += places_[place].count;
  for (uint32_t i = 0; i < places_[place].count; ++i) {
    const auto [s, stack] = readings_[places_[place].first + i];
    for (uint32_t e = program_->states[s].edges; e < program_->states[s + 1].edges; ++e) {
      const ByteEdge& edge = program_->edges[e];
      if (byte >= edge.low && byte <= edge.high) add(edge.target, stack);
    }
  }
  const PlaceId to = close();
  moves_[size_t{place} * classes_ + byte_class] = to;
  return to;
}

PlaceId Machine::place_of(const Reading& reading) {
  const uint64_t key = pair_of(reading.state, reading.stack);
  if (const auto known = place_of_.find(key); known != place_of_.end()) return known->second;
  const Finally finally{[this] { clear_scratch(); }};
  add(reading.state, reading.stack);
  return place_of_[key] = close();
}

size_t Machine::count_bytes(PlaceId place) const noexcept {
  std::bitset<256> bytes;
  for (const Reading& r : readings(place)) {
    for (uint32_t e = program_->states[r.state].edges; e < program_->states[r.state + 1].edges; ++e) {
      for (unsigned byte = program_->edges[e].low; byte <= program_->edges[e].high; ++byte) bytes.set(byte);
    }
  }
  return bytes.count();
}

std::optional<uint8_t> Machine::only_byte(PlaceId place) const noexcept {
  std::optional<uint8_t> only;
  for (const Reading& r : readings(place)) {
    for (uint32_t e = program_->states[r.state].edges; e < program_->states[r.state + 1].edges; ++e) {
      const ByteEdge& edge = program_->edges[e];
      if (edge.low != edge.high || (only && *only != edge.low)) return std::nullopt;
      only = edge.low;
    }
  }
  return only;
}

PlaceId Machine::place_after(StackId stack) {
  if (stack == 0) return 0;
  if (const auto known = after_.find(stack); known != after_.end()) return known->second;
  const Finally finally{[this] { clear_scratch(); }};
  add(stacks_[stack].back, stacks_[stack].below);
  return after_[stack] = close();
}

PlaceId Machine::adopt(const Machine& other, PlaceId place) {
  if (place == 0) return 0;
  const Finally finally{[this] { clear_scratch(); }};
  for (const Reading& r : other.readings(place)) {
    std::vector<StateId> backs;
    for (StackId s = r.stack; s != 0; s = other.stacks_[s].below) backs.push_back(other.stacks_[s].back);
    StackId stack = 0;
    for (auto back = backs.rbegin(); back != backs.rend(); ++back) stack = push(*back, stack);
    kept_.push_back({r.state, stack});
  }
  std::sort(kept_.begin(), kept_.end());
  return intern(other.can_end(place));
}

}  // namespace shenbi::grammar
