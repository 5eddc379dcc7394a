// Any text as config.json: what the reader returns is in range, or it is refused.

#include <array>
#include <cmath>
#include <cstdlib>

#include "base/error.h"
#include "base/limits.h"
#include "formats/config_reader.h"
#include "formats/inspect.h"
#include "formats/memory_checkpoint.h"

namespace {

using namespace shenbi;
using formats::ConfigKey;
using formats::ConfigReader;

template <class Call>
void survive(const Call& call) {
  try {
    call();
  } catch (const Error&) {
  }
}

void read_all(const ConfigReader& config) {
  static constexpr std::array<ConfigKey, 8> kKeys = {ConfigKey{.hf = "num_hidden_layers|n_layer"},
                                                     ConfigKey{.hf = "num_key_value_heads"},
                                                     ConfigKey{.hf = "rope_theta|rope_parameters.rope_theta"},
                                                     ConfigKey{.hf = "rope_scaling.factor"},
                                                     ConfigKey{.hf = "tie_word_embeddings"},
                                                     ConfigKey{.hf = "layer_types"},
                                                     ConfigKey{.hf = "eos_token_id"},
                                                     ConfigKey{.hf = "rope_scaling.short_factor"}};
  for (const ConfigKey& key : kKeys) {
    survive([&] {
      if (config.uint_or(key, 1, {1, limits::kMaxLayers}) > limits::kMaxLayers) std::abort();
    });
    survive([&] {
      if (!std::isfinite(config.real_or(key, 1))) std::abort();
    });
    survive([&] {
      if (const auto list = config.uint_per_layer(key, 3); !list.empty() && list.size() != 3) std::abort();
    });
    survive([&] { config.flag_per_layer(key, 3); });
    survive([&] { config.flag(key); });
    survive([&] { config.texts(key, 4); });
    survive([&] {
      if (config.reals(key, 4).size() > 4) std::abort();
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static constexpr char kNoTensors[] = "\2\0\0\0\0\0\0\0{}";
  const auto weights = std::as_bytes(std::span(kNoTensors, sizeof(kNoTensors) - 1));
  survive([&] {
    const auto checkpoint = formats::open_in_memory(weights, "fuzz", {reinterpret_cast<const char*>(data), size});
    survive([&] { read_all(ConfigReader(*checkpoint)); });
    survive([&] { formats::to_text(formats::inspect(*checkpoint)); });
  });
  return 0;
}
