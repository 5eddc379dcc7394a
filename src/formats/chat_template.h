#pragma once
// Where a checkpoint keeps its chat template.

#include <optional>
#include <string>
#include <string_view>

#include "formats/checkpoint.h"

namespace shenbi::formats {

/// The template's text, or nothing if the checkpoint has none. GGUF: tokenizer.chat_template, or
/// tokenizer.chat_template.NAME; a folder: chat_template.jinja, else chat_template of chat_template.json or
/// tokenizer_config.json (there also a list of {name, template}, in which "" means "default"). Throws
/// Error{kCorruptFile} where such a field has another type.
std::optional<std::string> chat_template(const Checkpoint& checkpoint, std::string_view name = "");

}  // namespace shenbi::formats
