#pragma once
// A decoder as a composition of differentiable ops, every knob of DecoderSpec included. The oracle of the fused path
// (models/decoder.h) and what training differentiates. f32 (or f64) throughout, no cache, no quantisation.
//
//   const auto decoder = ComposedDecoder::from(describe(Checkpoint::open(path)));
//   Tape tape(team);
//   nn::Variables parameters = nn::bind(tape, decoder.parameters());
//   Variable loss = ops::cross_entropy(decoder.forward(parameters, tokens, nn::Sequences::one(tokens.size())), labels);
//   tape.backward(loss);
//   Tensor gradient = tape.gradient(parameters.at("layers.0.query.weight"));

#include <cstdint>
#include <functional>
#include <span>

#include "models/decoder_spec.h"
#include "models/parameters.h"
#include "nn/compose.h"

namespace shenbi::models {

class ComposedDecoder {
 public:
  /// Parameters by canonical name, all of one float type, in the shapes that decoder_spec.h lists.
  ComposedDecoder(DecoderSpec spec, nn::NamedTensors parameters)
      : spec_(std::move(spec)), parameters_(std::move(parameters)) {}

  /// All parameters of a model, decoded to f32: four bytes each.
  static ComposedDecoder from(const Model& model);

  const DecoderSpec& spec() const noexcept { return spec_; }
  /// The tensors themselves; an optimiser may write to them between passes.
  const nn::NamedTensors& parameters() const noexcept { return parameters_; }

  /// Logits [tokens, vocab]: hidden() and then head(). Throws Error{kInvalidArgument} naming a missing parameter, the
  /// op and the shapes that do not fit, or a token outside the vocabulary.
  autograd::Variable forward(const nn::Variables& parameters, std::span<const int32_t> tokens,
                             const nn::Sequences& sequences) const;
  /// What the last layer and the output norm leave: [tokens, d].
  autograd::Variable hidden(const nn::Variables& parameters, std::span<const int32_t> tokens,
                            const nn::Sequences& sequences) const;
  /// Logits of any rows of hidden().
  autograd::Variable head(const nn::Variables& parameters, const autograd::Variable& hidden) const;

  /// Without gradients, for one sequence: calls visit(first row, logits [rows, vocab]) for consecutive rows, so many at
  /// a time that the logits stay below `chunk_bytes`.
  void visit_logits(std::span<const int32_t> tokens, ThreadTeam& team,
                    const std::function<void(size_t, const tensor::Tensor&)>& visit,
                    size_t chunk_bytes = 64u << 20) const;

 private:
  DecoderSpec spec_;
  nn::NamedTensors parameters_;
};

}  // namespace shenbi::models
