#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/error.h"
#include "base/limits.h"

namespace shenbi {
namespace {

// Of arrays and objects in each other. Text that is not JSON may give any number; the parser then says so.
int nesting(std::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

// Of colons in one object: as many keys, where the text is JSON at all.
size_t most_keys(std::string_view text) {
  std::vector<size_t> counts(1);
  size_t most = 0;
  bool in_string = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      counts.push_back(0);
    } else if ((c == '}' || c == ']') && counts.size() > 1) {
      counts.pop_back();
    } else if (c == ':') {
      most = std::max(most, ++counts.back());
    }
  }
  return most;
}

template <typename Value>
Value parsed(std::string_view text, std::string_view what, int max_depth) {
  // The parser itself is iterative; the depth bound protects those who walk (and destroy) the result recursively. It is
  // checked beforehand: the parser's own callback makes it quadratic in the number of objects of an array.
  if (nesting(text) > max_depth) {
    throw Error(Code::kCorruptFile, fmt::format("{}: JSON is nested deeper than {} levels", what, max_depth));
  }
  try {
    return Value::parse(text.begin(), text.end());
  } catch (const typename Value::parse_error& error) {
    throw Error(Code::kCorruptFile, fmt::format("{}: not valid JSON at byte {}", what, error.byte));
  } catch (const typename Value::exception& error) {
    throw Error(Code::kCorruptFile, fmt::format("{}: not valid JSON: {}", what, error.what()));
  }
}

}  // namespace

Json parse_json(std::string_view text, std::string_view what, int max_depth) {
  return parsed<Json>(text, what, max_depth);
}

nlohmann::ordered_json parse_ordered_json(std::string_view text, std::string_view what, int max_depth,
                                          uint64_t max_keys) {
  if (nesting(text) <= max_depth && most_keys(text) > max_keys) {
    throw Error(Code::kCorruptFile, fmt::format("{}: an object has more than {} keys", what, max_keys));
  }
  return parsed<nlohmann::ordered_json>(text, what, max_depth);
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
