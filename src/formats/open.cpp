// Which kind of checkpoint a path is: told by the content, so that a store may keep files under names without an
// extension.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "base/error.h"
#include "formats/checkpoint.h"
#include "formats/gguf.h"
#include "formats/safetensors.h"

namespace shenbi::formats {

namespace {

/// The first bytes of a regular file.
std::string beginning(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(Code::kNotFound, fmt::format("{}: cannot open", path.string()));
  std::string bytes(48, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return bytes;
}

/// A little-endian length of less than 2^32, then the "{" of the header.
bool looks_like_safetensors(std::string_view bytes) {
  return bytes.size() > 8 && bytes[8] == '{' && bytes.substr(4, 4) == std::string_view("\0\0\0\0", 4);
}

/// What a file that we do not read is, as far as its first bytes tell, and what to do about it.
std::string_view diagnosis(std::string_view bytes) {
  struct Known {
    std::string_view magic, words;
  };
  static constexpr std::array kKnown = {
      Known{"version https://git-lfs", "a Git LFS pointer, not the model itself: fetch the real file"},
      Known{"PK\x03\x04", "a zip archive (pickled PyTorch weights?): convert it to safetensors"},
      Known{"\x80\x02", "a Python pickle, which can hold code and is never run: convert it to safetensors"},
      Known{"lmgg", "an old GGML file from before GGUF: convert the original model again"},
      Known{"tjgg", "an old GGML (GGJT) file from before GGUF: convert the original model again"},
      Known{"fmgg", "an old GGML (GGMF) file from before GGUF: convert the original model again"},
      Known{"<", "a web page or XML, probably an error page saved by a download"},
  };
  const auto known =
      std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& k) { return bytes.starts_with(k.magic); });
  return known == kKnown.end() ? "neither GGUF nor safetensors" : known->words;
}

}  // namespace

std::shared_ptr<const Checkpoint> Checkpoint::open(const std::filesystem::path& path) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  if (!std::filesystem::exists(status))
    throw Error(Code::kNotFound, fmt::format("{}: no such file or folder", path.string()));
  if (std::filesystem::is_directory(status)) return open_hugging_face_folder(path);
  if (!std::filesystem::is_regular_file(status)) {
    throw Error(Code::kNotFound, fmt::format("{}: neither a regular file nor a folder", path.string()));
  }
  const std::string bytes = beginning(path);
  if (bytes.empty()) throw Error(Code::kCorruptFile, fmt::format("{}: file is empty", path.string()));
  if (bytes.starts_with("GGUF")) return open_gguf(path);
  if (path.extension() == ".safetensors" || looks_like_safetensors(bytes)) return open_safetensors(path);
  throw Error(Code::kUnsupported, fmt::format("{}: {}", path.string(), diagnosis(bytes)));
}

}  // namespace shenbi::formats
