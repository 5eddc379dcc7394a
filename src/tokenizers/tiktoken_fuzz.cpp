// A rank file, then the same bytes through what it makes.

#include "base/error.h"
#include "tokenizers/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto tokenizer =
        shenbi::tokenizers::Tokenizer::from_tiktoken(text, "\\p{L}+|\\s+(?!\\S)|.", {{"<|end|>", 70}});
    tokenizer->decode(tokenizer->encode(text.substr(0, 1000), {.parse_special = true}));
  } catch (const shenbi::Error&) {
  }
  return 0;
}
