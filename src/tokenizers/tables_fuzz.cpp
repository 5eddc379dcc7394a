// Any bytes as kept tables of a small vocabulary: whatever they are, encoding ends and gives ids of the vocabulary.

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"
#include "tokenizers/tokenizer.h"

namespace {

struct alignas(16) Unit {
  uint8_t bytes[16];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace shenbi::tokenizers;
  static const std::vector<std::string> tokens = {"<unk>", "a", "b", "c", "aa", "ab", "abc", "bc", "aab", "cc"};
  static const GgufVocabulary vocabulary = [] {
    GgufVocabulary file;
    file.model = "llama";
    file.tokens.assign(tokens.begin(), tokens.end());
    for (size_t id = 0; id < tokens.size(); ++id) file.scores.push_back(-static_cast<float>(id));
    file.kinds.assign(tokens.size(), 1);
    file.kinds[0] = 2;
    file.kinds[5] = 5;  // unused: taken apart again
    return file;
  }();
  // The tables that belong to it, with the input over them at a place of its choice: mutations alone would take long to
  // find half a megabyte of seams.
  static const std::vector<std::byte> whole = [] {
    TokenizerTables tables;
    Tokenizer::from_gguf(vocabulary, &tables);
    return tables.built;
  }();
  if (size < 4) return 0;
  uint32_t place;
  std::memcpy(&place, data, 4);
  constexpr uint32_t kInteresting = 2048;  // the header and the slots
  place %= kInteresting;
  std::vector<Unit> memory(whole.size() / 16 + 1);
  auto* bytes = reinterpret_cast<std::byte*>(memory.data());
  std::memcpy(bytes, whole.data(), whole.size());
  std::memcpy(bytes + place, data + 4, std::min(size - 4, whole.size() - place));
  TokenizerTables tables{.kept = {bytes, whole.size()}, .owner = nullptr, .built = {}};
  const auto tokenizer = Tokenizer::from_gguf(vocabulary, &tables);
  for (const char* text : {"abcaabbcc", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabc", "x"}) {
    for (const int32_t id : tokenizer->encode(text))
      if (id < 0 || static_cast<size_t>(id) >= tokenizer->vocab_size()) std::abort();
  }
  return 0;
}
