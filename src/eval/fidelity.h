#pragma once
// How much the fast path's arithmetic moves the answer: its distributions against those of the f32 composition of the
// same (dequantised) weights.

#include <cstdint>
#include <functional>
#include <span>

#include "base/thread_team.h"
#include "engine/model.h"

namespace shenbi::eval {

struct Fidelity {
  size_t positions = 0;
  double mean_kl = 0;         ///< nats: KL(reference || fast), mean over positions
  double standard_error = 0;  ///< of mean_kl
  double max_kl = 0;
  double top1_agreement = 0;               ///< share of positions with the same most probable token
  double reference_nll = 0, fast_nll = 0;  ///< mean, of the text's own next tokens
};

/// Compares after every token of the text (which must fit the context). The composition keeps every weight in f32: four
/// bytes a parameter.
Fidelity fidelity(const engine::Model& model, std::span<const int32_t> tokens, ThreadTeam& team,
                  const std::function<void(size_t done, size_t total)>& progress = {});

}  // namespace shenbi::eval
