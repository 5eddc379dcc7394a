#pragma once
// The names by which GGUF files tell the pre-tokeniser of a byte-level BPE model (tokenizer.ggml.pre).

#include <string_view>
#include <vector>

namespace shenbi::tokenizers {

struct PreName {
  std::string_view name;
  std::vector<std::string_view> patterns;  ///< applied in order, each to every piece; matches and gaps become pieces
  bool whole_words = false;                ///< a word that is in the vocabulary is taken whole
  bool adds_bos = false;                   ///< unless the file says otherwise
  bool nfc = false;                        ///< the original tokenizer normalises its text (llama.cpp does not)
};

/// Throws Error{kUnsupported} naming an unknown name. "" is "default".
const PreName& find_pre_name(std::string_view name);

/// For tests: all of them.
const std::vector<PreName>& pre_names();

/// GPT-2's own pattern: what Hugging Face's ByteLevel step means by use_regex.
extern const std::string_view kGpt2Pattern;

}  // namespace shenbi::tokenizers
