// Pattern, a line feed, text. Matches must advance and lie within the text, and the work must stay near-linear.

#include "base/error.h"
#include "tokenizers/regex.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using shenbi::tokenizers::Regex;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t line = all.find('\n');
  if (line == std::string_view::npos || line > 200) return 0;
  const std::string_view text = all.substr(line + 1);
  for (const auto dialect : {Regex::Dialect::kOniguruma, Regex::Dialect::kFancyRegex}) {
    try {
      const Regex regex = Regex::compile(all.substr(0, line), dialect);
      Regex::Scanner scan(regex, text);
      size_t done = 0;
      while (const auto match = scan.next()) {
        SHENBI_CHECK(match->begin >= done && match->end >= match->begin && match->end <= text.size());
        done = match->end;
      }
      // A pattern of 200 bytes compiles to at most 16384 instructions.
      SHENBI_CHECK(scan.steps() < 64 * 16384 * (text.size() + 64));
    } catch (const shenbi::Error&) {
    }
  }
  return 0;
}
