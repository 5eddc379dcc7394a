#pragma once
// Kind and size of a checkpoint's tokenizer without loading it.

#include <optional>
#include <string_view>

#include "formats/inspect.h"

namespace shenbi::formats {

/// GGUF: tokenizer.ggml.*; a folder: tokenizer.json, else tokenizer.model. Nothing if there is none.
std::optional<TokenizerSummary> summarize_tokenizer(const Checkpoint& checkpoint);

/// Of a tokenizer.json, read as a stream: model.type, and the entries of model.vocab plus added tokens that are not in
/// it. Throws Error{kCorruptFile} where it is not JSON.
TokenizerSummary summarize_tokenizer_json(std::string_view text, std::string_view file_name);

}  // namespace shenbi::formats
