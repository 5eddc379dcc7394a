// Any bytes as a kept file: refused, or every part lies inside the bytes, behind the one before it.

#include <cstdlib>

#include "base/error.h"
#include "formats/cache_layout.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace shenbi;
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const auto index = formats::read_cache_index("fuzz", bytes, formats::IndexSum::kIgnored);
    uint64_t end = 0, stretches = 0;
    for (const formats::CacheRow& row : index.rows) {
      if (row.offset < end || row.offset + row.bytes > size) std::abort();
      end = row.offset + row.bytes;
      stretches += (row.bytes + formats::kStretchBytes - 1) / formats::kStretchBytes;
    }
    if (stretches != index.sums.size()) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
