#pragma once
// The knobs of the building blocks, as plain data. A block reads its spec; nothing else tells families apart.

#include <cstdint>
#include <optional>
#include <vector>

namespace shenbi::nn {

enum class NormKind : uint8_t {
  kRms,    ///< x / sqrt(mean(x^2) + eps) * w            (Zhang & Sennrich 2019)
  kLayer,  ///< (x - mean) / sqrt(var + eps) * w + b     (Ba et al. 2016); w, b optional
};
struct NormSpec {
  NormKind kind = NormKind::kRms;
  float epsilon = 1e-5f;
};

enum class RopeOrder : uint8_t {
  kHalf,      ///< pairs (i, i + dims/2): "neox"
  kAdjacent,  ///< pairs (2i, 2i + 1): "normal", original paper
};
/// Rotary positions (Su et al. 2021). Every static scaling (linear, llama3, YaRN, longrope) is already folded into the
/// frequencies and the magnitude: nn/rope.h computes them.
struct RopeSpec {
  RopeOrder order = RopeOrder::kHalf;
  uint32_t dims = 0;                       ///< leading dims of each head that turn; the rest pass
  std::vector<float> inverse_frequencies;  ///< [dims / 2]
  float magnitude = 1.0f;                  ///< multiplies cos and sin (YaRN, longrope attention factor)
};

enum class QkNorm : uint8_t {
  kNone,
  kPerHead,    ///< over the dims of each head, before RoPE (Qwen 3, Gemma 3)
  kFullWidth,  ///< over the whole projected row, before RoPE (OLMo 2)
  kPerHeadAfterRope,  ///< Hunyuan
};

struct AttentionSpec {
  uint32_t num_heads = 0;
  uint32_t num_kv_heads = 0;   ///< divides num_heads
  uint32_t head_dim = 0;       ///< of queries and keys
  uint32_t value_dim = 0;      ///< of values; usually head_dim
  float scale = 0;             ///< multiplies q.k, usually 1/sqrt(head_dim)
  float softcap = 0;           ///< cap * tanh(score / cap); 0 = none
  uint32_t window = 0;         ///< a query sees keys of positions > own - window; 0 = all earlier ones
  bool alibi = false;          ///< score += slope[head] * (key position - query position), after the scale
  QkNorm qk_norm = QkNorm::kNone;
  std::optional<RopeSpec> rope;
};

enum class Activation : uint8_t { kSilu, kGeluErf, kGeluTanh, kRelu, kReluSquared };

struct MlpSpec {
  bool gated = true;           ///< down(act(gate(x)) * up(x)), else down(act(up(x)))
  Activation activation = Activation::kSilu;
  uint32_t width = 0;
};

enum class RouterKind : uint8_t { kSoftmaxThenTopK, kTopKThenSoftmax, kSigmoid };
enum class SharedExpert : uint8_t { kNone, kAlways, kSigmoidGated };
struct MoeSpec {
  uint32_t num_experts = 0;
  uint32_t num_used = 0;       ///< experts a token visits
  uint32_t expert_width = 0;
  RouterKind router = RouterKind::kSoftmaxThenTopK;
  bool renormalise = true;     ///< chosen weights are divided by their sum
  float weight_scale = 1.0f;   ///< and then multiplied by this
  Activation activation = Activation::kSilu;
  SharedExpert shared = SharedExpert::kNone;
  uint32_t shared_width = 0;
};

}  // namespace shenbi::nn
