#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>

#include "base/json.h"
#include "formats/safetensors.h"
#include "formats/tensor_writer.h"

namespace shenbi::formats {

// Alignment 1: the format has no holes between tensors. The header is padded with spaces to a multiple of 8, as the
// reference library does, so that tensors of one type stay aligned.
SafetensorsWriter::SafetensorsWriter(std::filesystem::path path) : TensorWriter(std::move(path), 1) {}

void SafetensorsWriter::check(const Declared& tensor) const {
  if (tensor.name == "__metadata__") refuse_tensor(tensor.name, "the name is taken by the format");
  if (find_safetensors_type(tensor.type->name) != tensor.type) {
    refuse_tensor(tensor.name, fmt::format("safetensors has no dtype for {}", tensor.type->name));
  }
}

void SafetensorsWriter::note(std::string_view key, std::string_view value) {
  require_open();
  notes_[std::string(key)] = std::string(value);
}

std::string SafetensorsWriter::header() const {
  // Put together as text, so that the tensors keep the order of their data; only strings need escaping.
  std::string text = "{";
  if (!notes_.empty())
    text += "\"__metadata__\":" + Json(notes_).dump(-1, ' ', false, Json::error_handler_t::replace) + ",";
  for (const Declared& tensor : tensors()) {
    text += fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}},", Json(tensor.name).dump(),
                        tensor.type->name, fmt::join(tensor.shape, ","), tensor.offset, tensor.offset + tensor.bytes);
  }
  if (text.back() == ',') text.pop_back();
  text += "}";
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  std::string out(sizeof(length), '\0');
  std::memcpy(out.data(), &length, sizeof(length));
  return out + text;
}

}  // namespace shenbi::formats
