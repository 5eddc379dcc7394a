#pragma once
// JSON from outside: parsed with a bound on depth and size, and read with errors that name the field.
// Headers that only pass JSON on include <nlohmann/json_fwd.hpp>; this one is for sources.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"

namespace shenbi {

using Json = nlohmann::json;

/// Parses `text`. Throws Error{kCorruptFile} "<what>: ..." with the byte offset when it is not JSON, or is nested
/// deeper than `max_depth` (64: no config, tokenizer or request of the field nests deeper than about 20). Invalid UTF-8
/// inside strings is an error; duplicate keys keep the last value, as Python's json does.
Json parse_json(std::string_view text, std::string_view what, int max_depth = 64);

/// The same, keeping the order of keys (a JSON Schema is obeyed in the order it is written in). Such objects are
/// searched key by key, so one with more than `max_keys` keys is refused.
nlohmann::ordered_json parse_ordered_json(std::string_view text, std::string_view what, int max_depth = 64,
                                          uint64_t max_keys = limits::kMaxOrderedKeys);

/// Reads a whole file and parses it. Files over `max_bytes` are refused before they are read.
Json read_json_file(const std::string& path, uint64_t max_bytes);

}  // namespace shenbi
