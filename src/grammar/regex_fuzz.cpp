// A pattern, a zero byte, a text. The pattern as rules and as an automaton of characters must agree on the text.

#include "base/error.h"
#include "base/utf8.h"
#include "grammar/fuzz_walk.h"
#include "grammar/pattern.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace shenbi::grammar;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t zero = std::min(all.find('\0'), size);
  const std::string_view pattern = all.substr(0, zero), text = all.substr(std::min(zero + 1, size));
  if (size > 1000 || zero > 200) return 0;
  try {
    const auto grammar = Grammar::from_regex(pattern);
    fuzz_walk(grammar, text);
    const auto automaton = TextAutomaton::of(parse_pattern(pattern, "regex"), false, "regex");
    if (automaton.states.size() < 500 && shenbi::is_valid_utf8(text)) {
      SHENBI_CHECK(automaton.matches(text) == grammar->matches(text));
    }
  } catch (const shenbi::Error&) {
  }
  return 0;
}
