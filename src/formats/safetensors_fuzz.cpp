// Any bytes as a safetensors file: parsed or refused, and every tensor then lies inside the bytes.

#include <cstdlib>

#include "base/error.h"
#include "formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace shenbi;
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    for (const auto& tensor : formats::parse_safetensors(bytes, "fuzz.safetensors").tensors) {
      if (tensor.data.data() < bytes.data() || tensor.data.data() + tensor.data.size() > bytes.data() + size)
        std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}
