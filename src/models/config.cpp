#include "models/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace shenbi::models {

using formats::ConfigKey;

Config::Config(const formats::Checkpoint& checkpoint, uint32_t wanted_context)
    : ConfigReader(checkpoint), checkpoint_(checkpoint), wanted_context_(wanted_context) {}

void Config::refuse(std::string_view reason) const {
  throw Error(Code::kCorruptFile, fmt::format("{}: {}", checkpoint_.path().string(), reason));
}

void Config::unsupported(std::string_view reason) const {
  throw Error(Code::kUnsupported, fmt::format("{}: {}", checkpoint_.path().string(), reason));
}

uint32_t Config::count(const CountKey& key) const { return static_cast<uint32_t>(uint(key.names, {1, key.max})); }

std::optional<uint32_t> Config::find_count(const CountKey& key) const {
  const uint64_t value = uint_or(key.names, 0, {0, key.max});
  return value == 0 ? std::nullopt : std::optional(static_cast<uint32_t>(value));
}

std::vector<uint32_t> Config::counts(const CountKey& key, uint32_t layers, uint32_t absent) const {
  const std::vector<uint64_t> found = uint_per_layer(key.names, layers, {1, key.max});
  if (found.empty()) return std::vector<uint32_t>(layers, absent);
  return {found.begin(), found.end()};
}

std::vector<bool> Config::sliding_layers(uint32_t layers) const {
  std::vector<bool> sliding;
  for (const std::string& type : texts(keys::kLayerTypes, limits::kMaxLayers)) {
    if (type != "sliding_attention" && type != "full_attention")
      unsupported(fmt::format("layer type '{}' is not supported", type));
    sliding.push_back(type == "sliding_attention");
  }
  if (!sliding.empty() && sliding.size() != layers)
    refuse(fmt::format("config.json: 'layer_types' has {} entries for {} layers", sliding.size(), layers));
  return sliding;
}

uint32_t Config::rope_dims(uint32_t head_dim, double default_fraction) const {
  if (const auto dims = find_count(keys::kRopeDims)) {
    if (*dims > head_dim || *dims % 2 != 0)
      refuse(fmt::format("rope.dimension_count is {}, expected an even number of at most {}", *dims, head_dim));
    return *dims;
  }
  const double fraction = real_or(keys::kPartialRotary, default_fraction, {0.0, 1.0});
  const auto dims = static_cast<uint32_t>(fraction * head_dim);
  if (dims < 2 || dims % 2 != 0) refuse(fmt::format("{} of {} rotary dims is not an even number", fraction, head_dim));
  return dims;
}

nn::RopeScaling Config::scaling(const std::string& name) const {
  if (name.empty() || name == "default" || name == "none") return nn::RopeScaling::kNone;
  if (name == "linear") return nn::RopeScaling::kLinear;
  if (name == "dynamic") return nn::RopeScaling::kDynamicNtk;
  if (name == "llama3") return nn::RopeScaling::kLlama3;
  if (name == "yarn") return nn::RopeScaling::kYarn;
  if (name == "longrope" || name == "su") return nn::RopeScaling::kLongrope;
  unsupported(fmt::format("rope scaling '{}' is not supported", name));
}

/// A tensor that holds a few numbers of the configuration; empty if the file has none.
std::vector<float> Config::small_tensor(std::string_view name, size_t elements) const {
  const formats::TensorEntry* tensor = checkpoint_.find(name);
  if (!tensor) return {};
  if (tensor->elements() != elements || tensor->type->block_elements != 1)
    refuse(fmt::format("tensor '{}' is {} {}, expected {} floats", name, tensor->type->name, tensor->shape_text(),
                       elements));
  checkpoint_.require_whole();
  std::vector<float> values(elements);
  tensor->type->decode(tensor->data.data(), elements, values.data());
  return values;
}

nn::RopeConfig Config::rope(uint32_t dims, double default_theta, std::string_view layer_type) const {
  const uint64_t own = find_count(keys::kContext).value_or(0);
  nn::RopeConfig rope{.dims = dims, .theta = default_theta};
  rope.original_context = own;
  rope.context_length = wanted_context_ ? std::min<uint64_t>(wanted_context_, own) : own;
  rope = is_gguf() ? gguf_rope(std::move(rope)) : hub_rope(std::move(rope), layer_type);
  // How far the model was stretched is its own matter, however much of that the caller will use.
  const bool stretched = rope.scaling == nn::RopeScaling::kYarn || rope.scaling == nn::RopeScaling::kLongrope;
  if (stretched && !rope.factor && rope.original_context > 0)
    rope.factor = static_cast<double>(own) / static_cast<double>(rope.original_context);
  return rope;
}

nn::RopeConfig Config::gguf_rope(nn::RopeConfig rope) const {
  rope.theta = real_or({.gguf = "{arch}.rope.freq_base"}, rope.theta);
  rope.scaling = scaling(text_or({.gguf = "{arch}.rope.scaling.type"}, ""));
  rope.factor = find_real({.gguf = "{arch}.rope.scaling.factor"});
  if (const auto factor = find_real({.gguf = "{arch}.rope.scale_linear"}); factor && !rope.factor) {  // files of 2023
    rope.factor = factor;
    rope.scaling = nn::RopeScaling::kLinear;
  }
  const ConfigKey original{.gguf = "{arch}.rope.scaling.original_context_length"};
  rope.original_context = uint_or(original, rope.original_context, {1, limits::kMaxContext});
  rope.beta_fast = real_or({.gguf = "{arch}.rope.scaling.yarn_beta_fast"}, rope.beta_fast);
  rope.beta_slow = real_or({.gguf = "{arch}.rope.scaling.yarn_beta_slow"}, rope.beta_slow);
  // Llama 3's scaling and longrope come as tensors of divisors.
  rope.frequency_factors = small_tensor("rope_freqs.weight", rope.dims / 2);
  rope.short_factors = small_tensor("rope_factors_short.weight", rope.dims / 2);
  rope.long_factors = small_tensor("rope_factors_long.weight", rope.dims / 2);
  if (!rope.long_factors.empty()) {
    rope.scaling = nn::RopeScaling::kLongrope;
    rope.factor.reset();
    rope.attention_factor = find_real({.gguf = "{arch}.rope.scaling.attn_factor"});
  }
  return rope;
}

/// rope_parameters (transformers 5; maybe one entry a layer type), or rope_theta with rope_scaling (before).
nn::RopeConfig Config::hub_rope(nn::RopeConfig rope, std::string_view layer_type) const {
  const auto names = [&](std::string_view name) {
    return fmt::format("rope_parameters.{0}.{1}|rope_parameters.{1}|rope_scaling.{1}", layer_type, name);
  };
  const auto real = [&](std::string_view name) { return find_real({.hf = names(name)}); };
  rope.theta = real("rope_theta").value_or(real_or({.hf = "rope_theta|rotary_emb_base"}, rope.theta));
  rope.scaling = scaling(text_or({.hf = names("rope_type") + "|" + names("type")}, ""));
  rope.factor = real("factor");
  const std::string original = names("original_max_position_embeddings") + "|original_max_position_embeddings";
  rope.original_context = uint_or({.hf = original}, rope.original_context, {1, limits::kMaxContext});
  rope.low_frequency_factor = real("low_freq_factor").value_or(rope.low_frequency_factor);
  rope.high_frequency_factor = real("high_freq_factor").value_or(rope.high_frequency_factor);
  rope.beta_fast = real("beta_fast").value_or(rope.beta_fast);
  rope.beta_slow = real("beta_slow").value_or(rope.beta_slow);
  rope.truncate = flag_or({.hf = names("truncate")}, true);
  rope.attention_factor = real("attention_factor");
  rope.mscale = real("mscale");
  rope.mscale_all_dim = real("mscale_all_dim");
  for (const double value : reals({.hf = names("short_factor")}, limits::kMaxHeadDim))
    rope.short_factors.push_back(static_cast<float>(value));
  for (const double value : reals({.hf = names("long_factor")}, limits::kMaxHeadDim))
    rope.long_factors.push_back(static_cast<float>(value));
  return rope;
}

}  // namespace shenbi::models
