// A whole tokenizer.model, then a text through what it makes.

#include "base/error.h"
#include "tokenizers/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto tokenizer = shenbi::tokenizers::Tokenizer::from_sentencepiece(text);
    for (const std::string_view sample : {std::string_view("Hello  wörld 123\n\t人工<s>"), text.substr(0, 200)}) {
      tokenizer->decode(tokenizer->encode(sample, {.add_special = true, .parse_special = true}));
    }
  } catch (const shenbi::Error&) {
  }
  return 0;
}
