#include "formats/repository.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "net/sha256.h"

namespace shenbi::formats {

RepositoryReference RepositoryReference::parse(const std::string& text, const std::string& default_revision) {
  RepositoryReference ref{.repository = text, .file = "", .revision = default_revision};
  if (const size_t at = ref.repository.rfind('@'); at != std::string::npos) {
    ref.revision = ref.repository.substr(at + 1);
    ref.repository.resize(at);
  }
  const size_t first = ref.repository.find('/');
  const size_t second = first == std::string::npos ? std::string::npos : ref.repository.find('/', first + 1);
  if (second != std::string::npos) {
    ref.file = ref.repository.substr(second + 1);
    ref.repository.resize(second);
  }
  if (first == std::string::npos || first == 0 || first + 1 == ref.repository.size() || ref.revision.empty()) {
    throw Error(Code::kInvalidArgument, fmt::format("'{}': expected ORG/REPO[/FILE][@REVISION]", text));
  }
  return ref;
}

std::string endpoint_from(const char* variable, const std::string& standard) {
  const char* value = std::getenv(variable);
  std::string endpoint = value && *value ? value : standard;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  return endpoint;
}

void check_listing(int status, const std::string& what) {
  if (status == 200) return;
  if (status == 404) throw Error(Code::kNotFound, fmt::format("{}: no such repository or revision", what));
  if (status == 401 || status == 403) {
    throw Error(Code::kUnauthorized,
                fmt::format("{}: the repository needs an access token or an accepted licence", what));
  }
  throw Error(Code::kUpstream, fmt::format("{}: the listing answered with HTTP status {}", what, status));
}

Collected download_repository(std::vector<RemoteFile> listing, const RepositoryReference& ref,
                              const PullContext& context) {
  Collected collected;
  for (RemoteFile file : choose_files(listing, ref.file)) {
    if (!net::is_sha256_hex(file.sha256)) file.sha256.clear();
    if (const size_t slash = file.name.rfind('/'); slash != std::string::npos) file.name = file.name.substr(slash + 1);
    collected.files.push_back(context.download(file));
  }
  return collected;
}

std::string repository_default_name(const std::string& reference) {
  const RepositoryReference ref = RepositoryReference::parse(reference, "main");
  std::string name = ref.repository.substr(ref.repository.find('/') + 1), tag = "latest";
  std::string file = ref.file.substr(ref.file.rfind('/') + 1);
  if (file.ends_with(".gguf")) {
    // The part after the last '-' or '.' of a GGUF's name is its quantisation.
    file.resize(file.size() - 5);
    tag = file.substr(file.find_last_of("-.") + 1);
  }
  const auto lower = [](unsigned char c) { return std::tolower(c); };
  std::transform(name.begin(), name.end(), name.begin(), lower);
  std::transform(tag.begin(), tag.end(), tag.begin(), lower);
  return fmt::format("{}:{}", name, tag);
}

}  // namespace shenbi::formats
