#pragma once
// A checkpoint over bytes in memory: what fuzzers and tests open, and models that are embedded in a program.

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "formats/checkpoint.h"

namespace shenbi::formats {

/// Opens a GGUF or safetensors file that lies in memory; `file` must outlive the checkpoint. With `config_json` the
/// result is like a Hugging Face folder with that config.json and one weight file. `name` stands where a path would.
/// Throws as Checkpoint::open.
std::shared_ptr<const Checkpoint> open_in_memory(std::span<const std::byte> file, std::string_view name,
                                                 std::string_view config_json = {});

}  // namespace shenbi::formats
