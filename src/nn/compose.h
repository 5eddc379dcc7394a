#pragma once
// The building blocks as compositions of differentiable ops: plain, exact, and the truth that the fused inference path
// is checked against. A block reads its spec and finds its parameters by name; training differentiates exactly this
// code.
//
//   Variables parameters = bind(tape, tensors);                       // name -> leaf on the tape
//   Variable y = compose_mlp({parameters, "layers.0."}, spec, x);     // x [tokens, d] -> [tokens, d]
//
// x holds the tokens of one or many sequences, one after the other; Sequences says where they end.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/tape.h"
#include "nn/spec.h"

namespace shenbi::nn {

using autograd::Tape;
using autograd::Variable;
using tensor::Tensor;

/// Parameters by canonical name (models/decoder_spec.h).
using NamedTensors = std::map<std::string, Tensor, std::less<>>;
/// The same on a tape. An entry need not be a leaf: an adapter binds a weight to an expression.
using Variables = std::map<std::string, Variable, std::less<>>;

/// Every tensor as a leaf of the tape (a constant if the tape does not record).
Variables bind(Tape& tape, const NamedTensors& tensors);

/// The parameters whose names start with `prefix`. Borrows `all`.
struct Scope {
  const Variables& all;
  std::string prefix;

  /// The parameter, or absent: presence is how biases and norms are switched on.
  Variable find(std::string_view name) const;
  /// Throws Error{kInvalidArgument} naming the parameter when it is missing.
  Variable at(std::string_view name) const;
  Scope inside(std::string_view name) const;
};

/// Which tokens belong together. Positions start at 0 in each sequence.
struct Sequences {
  std::vector<size_t> lengths;
  std::vector<int32_t> positions;
  bool bf16_cache = false;  ///< keys and values as the inference cache keeps them, rounded to bf16

  static Sequences of(std::span<const size_t> lengths);
  static Sequences one(size_t length) { return of(std::span(&length, 1)); }
};

/// x W^T + b with <name>.weight and, if present, <name>.bias.
Variable compose_linear(const Scope& scope, std::string_view name, const Variable& x);

/// Normalises the innermost axis with <name>.weight and <name>.bias; either may be absent.
Variable compose_norm(const Scope& scope, std::string_view name, const NormSpec& spec, const Variable& x);

/// query, key, value, [query_norm, key_norm,] rope, attention, attention_output. `norm` is the kind of the q and k
/// norms.
Variable compose_attention(const Scope& scope, const AttentionSpec& spec, const NormSpec& norm, const Variable& x,
                           const Sequences& sequences);

/// [gate,] up, down.
Variable compose_mlp(const Scope& scope, const MlpSpec& spec, const Variable& x);

/// router, experts.gate, experts.up, experts.down [, shared_expert.*, shared_expert_gate].
Variable compose_moe(const Scope& scope, const MoeSpec& spec, const Variable& x);

Variable compose_activation(Activation activation, const Variable& x);

}  // namespace shenbi::nn
