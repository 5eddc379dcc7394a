#pragma once
// A decoder architecture as data: what models/arch/*.cpp produce from a checkpoint's config, and what both the fused
// path and the composition with gradients execute. See docs/add-a-model.md.
//
// Parameters have canonical names, shapes in PyTorch order ([out, in] for linear weights); {i} is the layer:
//   embedding.weight [vocab, d]          position.weight [positions, d]      embedding_norm.{weight,bias} [d]
//   layers.{i}.attention_norm.*          before attention (pre, sandwich); before both in parallel_one_norm
//   layers.{i}.query|key|value.{weight,bias}      [heads * head_dim, d] ...  layers.{i}.attention_output.{weight,bias}
//   layers.{i}.query_norm|key_norm.*     [head_dim] or [heads * head_dim]
//   layers.{i}.attention_post_norm.*     after attention (sandwich, out)
//   layers.{i}.mlp_norm.*                before the MLP; layers.{i}.mlp_post_norm.* after it (sandwich, out)
//   layers.{i}.gate|up|down.{weight,bias}
//   layers.{i}.router.{weight,bias} [E, d]        layers.{i}.experts.gate|up [E, width, d]   layers.{i}.experts.down
//   [E, d, width] layers.{i}.shared_expert.gate|up|down.weight  layers.{i}.shared_expert_gate.weight [1, d]
//   output_norm.{weight,bias}            output.{weight,bias} [vocab, d]     (absent when the embedding is tied)
// A bias or norm that a checkpoint does not have is absent; presence of the parameter is the knob.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nn/spec.h"

namespace shenbi::models {

enum class NormPlace : uint8_t {
  kPre,       ///< x + f(N(x))
  kSandwich,  ///< x + N2(f(N1(x)))
  kOut,       ///< x + N(f(x))
  kPost,      ///< N(x + f(x))
};
enum class Residual : uint8_t {
  kSequential,        ///< attention, then MLP
  kParallelOneNorm,   ///< x + attention(N(x)) + mlp(N(x))
  kParallelTwoNorms,  ///< x + attention(N1(x)) + mlp(N2(x))
};

struct LayerSpec {
  nn::AttentionSpec attention;
  nn::MlpSpec mlp;  ///< ignored where moe is set
  std::optional<nn::MoeSpec> moe;
};

struct DecoderSpec {
  std::string architecture;  ///< file stem in models/arch
  uint32_t vocab_size = 0;
  uint32_t embedding_size = 0;  ///< d
  uint32_t context_length = 0;  ///< positions the model was trained for
  nn::NormSpec norm;
  NormPlace norm_place = NormPlace::kPre;
  Residual residual = Residual::kSequential;
  float embedding_scale = 1.0f;  ///< Gemma: sqrt(d)
  float residual_scale = 1.0f;   ///< Granite: multiplies each block's output
  float logit_scale = 1.0f;      ///< multiplies the logits
  float logit_softcap = 0;       ///< cap * tanh(logit / cap); 0 = none
  uint32_t position_offset = 0;  ///< OPT: learned position p reads row p + 2
  bool learned_positions = false;
  bool normalised_head = false;  ///< Baichuan 2: each row of the head is divided by its length
  bool tied_output = false;      ///< output.weight is embedding.weight
  std::vector<LayerSpec> layers;
};

}  // namespace shenbi::models
