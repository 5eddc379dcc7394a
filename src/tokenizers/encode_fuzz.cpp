// Any bytes through tokenizers that lose nothing: decode(encode(x)) == x, streamed or not.

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizers/pre_names.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/vocabulary.h"

using shenbi::tokenizers::GgufVocabulary;
using shenbi::tokenizers::Tokenizer;

namespace {

// 256 bytes, some merges and a control token, in GPT-2's alphabet.
std::unique_ptr<Tokenizer> make_tokenizer(std::string_view pre) {
  std::vector<std::string> tokens, merges;
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    tokens.push_back(shenbi::tokenizers::bytes_to_alphabet({&byte, 1}));
  }
  for (const char* pair : {"a a", "aa aa", "e r", "Ġ t", "Ġ Ġ", "ä º", "äº º", "Ċ Ċ", "ĠĠ ĠĠ"}) {
    merges.emplace_back(pair);
    std::string joint = pair;
    joint.erase(joint.find(' '), 1);
    tokens.push_back(joint);
  }
  tokens.emplace_back("<|end|>");
  GgufVocabulary file;
  file.model = "gpt2";
  file.pre = pre;
  file.tokens.assign(tokens.begin(), tokens.end());
  file.merges.assign(merges.begin(), merges.end());
  file.kinds.assign(tokens.size(), 1);
  file.kinds.back() = 3;
  return Tokenizer::from_gguf(file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Names whose tokenizers rewrite nothing, one for each shape of pattern.
  static const std::vector<std::unique_ptr<Tokenizer>> tokenizers = [] {
    std::vector<std::unique_ptr<Tokenizer>> made;
    for (const char* pre :
         {"default", "gpt-2", "llama-bpe", "stablelm2", "gpt-4o", "tekken", "deepseek-llm", "deepseek-coder",
          "deepseek-v3", "bloom", "kimi-k2", "afmoe", "tiny_aya", "superbpe", "exaone-moe", "jais-2"}) {
      made.push_back(make_tokenizer(pre));
    }
    return made;
  }();
  if (size == 0) return 0;
  const Tokenizer& tokenizer = *tokenizers[data[0] % tokenizers.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<int32_t> ids = tokenizer.encode(text, {.parse_special = true});
  SHENBI_CHECK(tokenizer.decode(ids, true) == text);
  shenbi::tokenizers::StreamDecoder stream(tokenizer, true);
  std::string streamed;
  for (const int32_t id : ids) {
    const std::string piece = stream.push(id);
    SHENBI_CHECK(shenbi::is_valid_utf8(piece));
    streamed += piece;
  }
  streamed += stream.finish();
  SHENBI_CHECK(streamed == shenbi::sanitize_utf8(text));
  return 0;
}
