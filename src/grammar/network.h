#pragma once
// The network of a grammar while it is built: states with growing lists. Private to the builder (network_builder.cpp,
// left_recursion.cpp, program_builder.cpp).

#include <cstdint>
#include <string>
#include <vector>

#include "grammar/program.h"
#include "grammar/rules.h"

namespace shenbi::grammar {

struct NetworkState {
  std::vector<ByteEdge> edges;
  std::vector<CallEdge> calls;
  std::vector<StateId> silent;
  bool final = false;
  StateId like = UINT32_MAX;
  uint32_t horizon = 0;
};

struct Network {
  std::vector<NetworkState> states;
  std::vector<StateId> starts;  ///< by rule
  std::vector<std::string> names;

  StateId add_state();  ///< throws Error{kUnsupported} beyond limits::kMaxGrammarStates
};

Network build_network(const Rules& rules);

/// Rewrites rules that call themselves before reading anything into loops. Throws Error{kUnsupported} naming the rules
/// where such a call hides behind something that may be empty.
void remove_left_recursion(Network& network, std::string_view what);

}  // namespace shenbi::grammar
