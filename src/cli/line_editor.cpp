#include "cli/line_editor.h"

#include <editline/readline.h>
#include <langinfo.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "cli/interrupt.h"

namespace shenbi::cli {

LineEditor::LineEditor(std::filesystem::path history_file)
    : history_file_(std::move(history_file)), terminal_(::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO)) {
  if (!terminal_) return;
  // The editor counts columns by the locale. Bare containers have the POSIX locale; people type UTF-8 there too.
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(::nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
  ::using_history();
  ::stifle_history(1000);
  ::read_history(history_file_.c_str());
}

LineEditor::~LineEditor() {
  if (!terminal_) return;
  std::error_code failed;
  std::filesystem::create_directories(history_file_.parent_path(), failed);
  if (!failed) ::write_history(history_file_.c_str());
}

std::optional<std::string> LineEditor::read(const std::string& prompt) {
  if (!terminal_) {
    std::string line;
    if (!std::getline(std::cin, line)) return std::nullopt;
    return line;
  }
  Interrupt interrupt;
  char* line = ::readline(prompt.c_str());
  if (interrupt.raised()) {
    std::free(line);
    std::cout << '\n';
    return "";
  }
  if (!line) return std::nullopt;
  std::string text = line;
  std::free(line);
  if (!text.empty()) ::add_history(text.c_str());
  return text;
}

}  // namespace shenbi::cli
