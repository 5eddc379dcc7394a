#include "catalog/library.h"

#include <fstream>
#include <iterator>

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"

namespace shenbi::catalog {
namespace {

constexpr std::chrono::seconds kLookEvery{1};

std::string read(const std::filesystem::path& path) {
  if (std::filesystem::file_size(path) > limits::kMaxCatalogBytes)
    throw Error(Code::kCorruptFile, path.string() + ": larger than a catalog may be");
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

Library::Library(std::filesystem::path file) : file_(std::move(file)) {}

std::shared_ptr<const Catalog> Library::current() {
  std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (current_ && now < look_again_) return current_;
  look_again_ = now + kLookEvery;
  std::error_code missing;
  const auto stamp = std::filesystem::last_write_time(file_, missing);
  const auto seen = missing ? std::filesystem::file_time_type{} : stamp;
  if (!current_ || seen != stamp_) {
    stamp_ = seen;
    load();
  }
  return current_;
}

void Library::load() {
  Catalog catalog = Catalog::built_in();
  if (std::error_code none; std::filesystem::exists(file_, none)) {
    try {
      catalog.merge(Catalog::parse(read(file_), file_.string()));
    } catch (const std::exception& error) {
      log_warn("{}; the catalog of the program is used alone", error.what());
    }
  }
  current_ = std::make_shared<const Catalog>(std::move(catalog));
}

std::filesystem::path user_file(const std::filesystem::path& data) { return data / "catalog.json"; }

Model local_model(const LocalFile& file) {
  Model model{.id = "local/" + file.name, .name = file.name};
  model.kind = "language";
  model.open = "weights";
  model.input = {"text"};
  model.output = {file.embeddings_only ? "vector" : "text"};
  model.tools = file.tools;
  model.thinking = file.thinking;
  if (file.context > 0) {
    model.context = file.context;
    model.source = "the file";
  }
  model.prices = {
      {.house = "local", .models = {file.name}, .tokens = {.input = 0, .output = 0}, .source = "this machine"}};
  return model;
}

}  // namespace shenbi::catalog
