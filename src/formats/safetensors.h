#pragma once
// safetensors: u64 header length | JSON header | data.
//
//   {"__metadata__": {"format": "pt"}, "layer.weight": {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}, ...}
//
// As in the reference library the tensors fill the data section exactly: no byte twice, none unused.

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.h"

namespace shenbi::formats {

struct SafetensorsContents {
  std::vector<TensorEntry> tensors;          ///< in header order; data points into the file
  std::map<std::string, std::string> notes;  ///< "__metadata__"
};

/// Parses one file. `file_name` is for errors. Throws Error{kCorruptFile}, Error{kUnsupported} for a dtype without a
/// row in kernels/quant.
SafetensorsContents parse_safetensors(std::span<const std::byte> file, std::string_view file_name);

/// Parses model.safetensors.index.json: tensor name -> shard file name, which is a plain name of the same folder.
std::map<std::string, std::string, std::less<>> parse_safetensors_index(std::string_view text,
                                                                        std::string_view file_name);

/// One .safetensors file as a Checkpoint.
std::shared_ptr<const Checkpoint> open_safetensors(const std::filesystem::path& path);

/// A Hugging Face folder: config.json with model.safetensors, or with the shards that model.safetensors.index.json
/// names, or with a single .safetensors of another name.
std::shared_ptr<const Checkpoint> open_hugging_face_folder(const std::filesystem::path& folder);

/// The GGUF-style type for a safetensors dtype ("F8_E4M3"), or null.
const kernels::QuantType* find_safetensors_type(std::string_view dtype) noexcept;

}  // namespace shenbi::formats
