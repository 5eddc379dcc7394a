#pragma once
// Texts beside each other on a terminal, as wide as its cells: a Chinese character takes two.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::cli {

/// Cells that a text without line ends takes.
size_t cells_of(std::string_view text);

/// What an answer may say to a terminal: line ends and tabs (as spaces) stay, other control characters go, so that no
/// text moves the cursor or changes colours.
std::string plain_text(std::string_view text);

/// Lines of at most `width` cells, broken at spaces and between Han characters, longer words where they must.
std::vector<std::string> wrapped(std::string_view text, size_t width);

struct TextColumn {
  std::string head, text, foot;
};
/// The columns side by side in `width` cells.
std::string beside(const std::vector<TextColumn>& columns, size_t width);

/// Cells of the terminal on standard output; 0 if it is none.
size_t terminal_width();

}  // namespace shenbi::cli
