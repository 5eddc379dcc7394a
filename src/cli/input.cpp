#include "cli/input.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/error.h"
#include "base/limits.h"

namespace shenbi::cli {
namespace {

std::string read_stream(std::istream& in, const std::string& name) {
  std::string text;
  char buffer[1 << 16];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    text.append(buffer, static_cast<size_t>(in.gcount()));
    if (text.size() > limits::kMaxPromptBytes) {
      throw Error(Code::kInvalidArgument, fmt::format("{}: longer than {} bytes", name, limits::kMaxPromptBytes));
    }
  }
  if (in.bad()) throw Error(Code::kNotFound, fmt::format("{}: cannot be read", name));
  return text;
}

}  // namespace

std::string read_file(const std::string& file) {
  if (file == "-") return read_stream(std::cin, "standard input");
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error(Code::kNotFound, fmt::format("{}: {}", file, std::strerror(errno)));
  return read_stream(in, file);
}

std::string read_text(const std::string& file, const std::string& text) {
  if (!file.empty() && !text.empty()) {
    throw Error(Code::kInvalidArgument, "give the text either as words or with --file, not both");
  }
  if (file.empty() && text.empty()) throw Error(Code::kInvalidArgument, "no text: give it as words or with --file");
  return file.empty() ? text : read_file(file);
}

}  // namespace shenbi::cli
