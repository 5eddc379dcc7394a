#pragma once
// One line from a person: editing, history and the arrow keys on a terminal, plain reading from a pipe.

#include <filesystem>
#include <optional>
#include <string>

namespace shenbi::cli {

class LineEditor {
 public:
  /// History is loaded from and saved to `history_file` (not created without a terminal).
  explicit LineEditor(std::filesystem::path history_file);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  /// The line without its newline; nothing at the end of input (Ctrl-D). Ctrl-C gives an empty line.
  std::optional<std::string> read(const std::string& prompt);

 private:
  std::filesystem::path history_file_;
  bool terminal_;
};

}  // namespace shenbi::cli
