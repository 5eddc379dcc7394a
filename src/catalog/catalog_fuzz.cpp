// Any bytes as a catalog and as an update of one. What is read comes back the same from what is written.

#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "catalog/catalog.h"
#include "catalog/filter.h"
#include "catalog/update.h"

using namespace shenbi;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto once = catalog::Catalog::parse(text, "fuzz");
    const auto twice = catalog::Catalog::parse(once.to_json(), "again");
    if (once.models() != twice.models()) __builtin_trap();
  } catch (const Error&) {
  }
  try {
    static const auto known = catalog::Catalog::built_in();
    const auto update = catalog::read_update(text, known, "fuzz", "2026-01-01");
    (void)catalog::Catalog::parse(update.changes.to_json(), "update");
  } catch (const Error& error) {
    if (std::string_view(error.what()).starts_with("update:"))
      __builtin_trap();  // what we wrote ourselves must be read
  }
  try {
    (void)catalog::read_filter(text);
  } catch (const Error&) {
  }
  return 0;
}
