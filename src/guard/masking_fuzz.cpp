// Any bytes as a text with personal data in it: findings lie in the text, in order and apart; the masked text restored
// is the text, in one piece and in pieces of any size.

#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "guard/vault.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace shenbi::guard;
  static const Finder finder({.words = {"Nightjar", "夜莺"}, .patterns = {"ZX-[0-9]{6}"}});
  if (size < 1) return 0;
  const size_t step = data[0] % 16 + 1;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t last = 0;
  for (const Finding& one : finder.find(text)) {
    if (one.begin < last || one.end <= one.begin || one.end > text.size()) std::abort();
    last = one.end;
  }
  Vault vault;
  try {
    const std::string hidden = masked(text, finder, vault).value_or(text);
    if (restored(hidden, vault) != text) std::abort();
    Restorer restorer(vault);
    std::string out;
    for (size_t at = 0; at < hidden.size(); at += step) out += restorer.push(hidden.substr(at, step));
    if (out + restorer.finish() != text) std::abort();
    restored(text, vault, true);
  } catch (const shenbi::Error&) {  // more values than a request may hold
  }
  return 0;
}
