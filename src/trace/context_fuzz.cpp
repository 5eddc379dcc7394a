// A traceparent that is read must be written again as it was, but for version and unknown flags.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "trace/context.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = text.find('\n');
  const auto context = shenbi::trace::read_context(
      text.substr(0, line), line == std::string_view::npos ? std::string_view() : text.substr(line + 1));
  if (!context) return 0;
  SHENBI_CHECK(shenbi::trace::traceparent(*context).substr(2, 51) == text.substr(2, 51));
  SHENBI_CHECK(context->state.size() <= 512);
  return 0;
}
