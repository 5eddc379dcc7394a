#pragma once
// The distribution after every token of a text, from the fused path.

#include <cstdint>
#include <functional>
#include <span>

#include "base/thread_team.h"
#include "engine/model.h"

namespace shenbi::eval {

/// Calls `visit(i, logits)` for every i in [0, tokens.size()): logits [vocab] of the token that follows tokens[0..i].
/// The text is read once, in chunks, as one sequence. Throws Error{kInvalidArgument} if it does not fit the context.
void for_each_row(const engine::Model& model, std::span<const int32_t> tokens, ThreadTeam& team,
                  const std::function<void(size_t, std::span<float>)>& visit);

}  // namespace shenbi::eval
