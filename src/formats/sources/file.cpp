// file:PATH - a .gguf or .safetensors file, or a model folder, of this machine. The store keeps its own copy.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "formats/pull.h"

namespace shenbi::formats::sources {
namespace {

namespace fs = std::filesystem;

Collected collect(const std::string& reference, const PullContext& context) {
  const fs::path path = reference.starts_with("//") ? reference.substr(2) : reference;
  std::vector<RemoteFile> files;
  if (fs::is_directory(path)) {
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.is_regular_file())
        files.push_back({.name = entry.path().filename(), .url = entry.path(), .sha256 = "", .headers = {}});
    }
    std::sort(files.begin(), files.end(), [](auto& a, auto& b) { return a.name < b.name; });
    files = choose_files(files, "");
  } else if (fs::is_regular_file(path)) {
    files.push_back({.name = path.filename(), .url = path, .sha256 = "", .headers = {}});
  } else {
    throw Error(Code::kNotFound, fmt::format("{}: no such file or folder", path.string()));
  }
  Collected collected;
  for (const RemoteFile& file : files) {
    context.check_cancelled();
    const std::string digest = context.store.adopt(file.url, false);
    collected.files.push_back({file.name, digest, fs::file_size(context.store.blob_path(digest))});
  }
  return collected;
}

std::string default_name(const std::string& reference) {
  fs::path path = reference;
  if (!path.has_filename()) path = path.parent_path();
  std::string name = path.extension() == ".gguf" || path.extension() == ".safetensors" ? path.stem() : path.filename();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name + ":latest";
}

}  // namespace

Source file() {
  return {.scheme = "file",
          .form = "file:PATH",
          .help = "a file or folder of this machine",
          .collect = collect,
          .default_name = default_name};
}

}  // namespace shenbi::formats::sources
