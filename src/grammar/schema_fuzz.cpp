// A JSON Schema. What compiles must be able to write JSON, and say the same as GBNF.

#include "base/error.h"
#include "base/json.h"
#include "grammar/fuzz_walk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace shenbi::grammar;
  if (size > 4000) return 0;
  const auto schema = nlohmann::ordered_json::parse(data, data + size, nullptr, false);
  if (schema.is_discarded()) return 0;
  try {
    const auto grammar = Grammar::from_json_schema(schema);
    const std::string text = fuzz_walk(grammar, std::string_view(reinterpret_cast<const char*>(data), size));
    if (text.empty()) return 0;
    SHENBI_CHECK(nlohmann::json::accept(text));
    SHENBI_CHECK(grammar->matches(text));
    SHENBI_CHECK(Grammar::from_gbnf(Grammar::gbnf_of_json_schema(schema, "root"))->matches(text));
  } catch (const shenbi::Error&) {
  }
  return 0;
}
