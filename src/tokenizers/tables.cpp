#include "tokenizers/tables.h"

#include <random>

namespace shenbi::tokenizers {

uint64_t hash_seed() noexcept {
  static const uint64_t seed = [] {
    std::random_device device;
    return (static_cast<uint64_t>(device()) << 32) | device();
  }();
  return seed;
}

}  // namespace shenbi::tokenizers
