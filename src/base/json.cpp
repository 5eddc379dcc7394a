#include "base/json.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.h"

namespace shenbi {

Json parse_json(std::string_view text, std::string_view what, int max_depth) {
  // The parser itself is iterative; the depth bound protects those who walk (and destroy) the result recursively.
  bool too_deep = false;
  const auto callback = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > max_depth;
    return !too_deep;
  };
  try {
    Json value = Json::parse(text.begin(), text.end(), callback);
    if (!too_deep) return value;
  } catch (const Json::parse_error& error) {
    throw Error(Code::kCorruptFile, fmt::format("{}: not valid JSON at byte {}", what, error.byte));
  } catch (const Json::exception& error) {
    throw Error(Code::kCorruptFile, fmt::format("{}: not valid JSON: {}", what, error.what()));
  }
  throw Error(Code::kCorruptFile, fmt::format("{}: JSON is nested deeper than {} levels", what, max_depth));
}

Json read_json_file(const std::string& path, uint64_t max_bytes) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  if (failed) throw Error(Code::kNotFound, fmt::format("{}: {}", path, failed.message()));
  if (size > max_bytes) {
    throw Error(Code::kCorruptFile, fmt::format("{}: {} bytes, the limit for this file is {}", path, size, max_bytes));
  }
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.good() && !in.eof()) throw Error(Code::kNotFound, fmt::format("{}: cannot be read", path));
  return parse_json(text, path);
}

}  // namespace shenbi
