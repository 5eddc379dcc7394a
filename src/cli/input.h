#pragma once
// What commands read: a text given as words, as a file, or on standard input.

#include <string>

namespace shenbi::cli {

inline constexpr const char* kModelHelp = "a model of the store (gemma3:270m), a .gguf file or a model folder";

/// The content of `file` ("-" for standard input), or `text` when no file is named. Naming both is
/// Error{kInvalidArgument}; so is naming neither. Files over limits::kMaxPromptBytes are refused.
std::string read_text(const std::string& file, const std::string& text);

/// The same without a fallback: the whole file.
std::string read_file(const std::string& file);

}  // namespace shenbi::cli
