// Any bytes as a GGUF file: parsed or refused, and every tensor then lies inside the bytes.

#include <cstdlib>

#include "base/error.h"
#include "formats/inspect.h"
#include "formats/memory_checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace shenbi;
  if (size < 4 || data[0] != 'G') return 0;
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const auto checkpoint = formats::open_in_memory(bytes, "fuzz.gguf");
    for (const auto& tensor : checkpoint->tensors()) {
      if (tensor.data.data() < bytes.data() || tensor.data.data() + tensor.data.size() > bytes.data() + size)
        std::abort();
    }
    formats::to_text(formats::inspect(*checkpoint));
  } catch (const Error&) {
  }
  return 0;
}
