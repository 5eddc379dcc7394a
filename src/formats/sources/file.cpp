// file:PATH - a .gguf or .safetensors file, or a model folder, of this machine. The store keeps its own copy.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "formats/pull.h"
#include "formats/repository.h"

namespace shenbi::formats::sources {
namespace {

namespace fs = std::filesystem;

std::vector<RemoteFile> files_of(const fs::path& folder) {
  std::vector<RemoteFile> files;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder)) {
    if (!entry.is_regular_file()) continue;
    files.push_back({.name = entry.path().filename(), .url = entry.path(), .sha256 = "", .headers = {}});
  }
  std::sort(files.begin(), files.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return files;
}

Collected collect(const std::string& reference, const PullContext& context) {
  const fs::path path = reference.starts_with("//") ? reference.substr(2) : reference;
  std::vector<RemoteFile> files;
  if (fs::is_directory(path)) {
    files = choose_files(files_of(path), "");
  } else if (!fs::is_regular_file(path)) {
    throw Error(Code::kNotFound, fmt::format("{}: no such file or folder", path.string()));
  } else if (Shard::of(path.filename())) {
    files = choose_files(files_of(path.parent_path()), path.filename());
  } else {
    files.push_back({.name = path.filename(), .url = path, .sha256 = "", .headers = {}});
  }
  Collected collected;
  for (const RemoteFile& file : files) {
    context.check_cancelled();
    collected.files.push_back(context.adopt(file.name, file.url, false));
  }
  return collected;
}

std::string default_name(const std::string& reference) {
  fs::path path = reference;
  if (!path.has_filename()) path = path.parent_path();
  std::string name = path.extension() == ".gguf" || path.extension() == ".safetensors" ? path.stem() : path.filename();
  if (const auto shard = Shard::of(path.filename())) name = shard->base;
  return plain_name(name) + ":latest";
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
