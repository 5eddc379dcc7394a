// GBNF text, a zero byte, a text. What compiles must read the text, find masks, and leave no place without a way on.

#include "base/error.h"
#include "grammar/fuzz_walk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace shenbi::grammar;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  if (size > 2000) return 0;
  const size_t zero = std::min(all.find('\0'), size);
  try {
    fuzz_walk(Grammar::from_gbnf(all.substr(0, zero)), all.substr(std::min(zero + 1, size)));
  } catch (const shenbi::Error&) {
  }
  return 0;
}
